//! Tests of groups of data sources.

use std::sync::Arc;

use domain::account::DataSource;
use domain::account::data_source::{GROUP_STORE, GroupMember, MOST_MEMBERS};
use domain::audit::Action;
use domain::id::{DataSourceId, UserId};

use super::{START, World, at_once, event};
use crate::{DataSourceRefusal, MembersChange, NewDataSource, Sealing, Store};

pub async fn a_group_has_the_members_that_it_is_given(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (sales, stock) = (insert(&world, "sales", 1).await, insert(&world, "stock", 1).await);
    let group = insert(&world, "all", GROUP_STORE).await;
    assert!(group.is_group() && !sales.is_group() && group.members.is_empty());
    let (east, west) = (member(&sales, "east"), member(&stock, "west"));
    let change = async |change| change_members(&world, group.id, change).await.map(|group| group.members);
    let both = vec![east.clone(), west.clone()];
    assert_eq!(change(MembersChange::With(vec![west.clone()])).await, Ok(vec![west.clone()]));
    assert_eq!(change(MembersChange::Also(vec![east.clone()])).await, Ok(both.clone()));
    let found = world.store.find_data_source_by_name("ALL").await.unwrap().unwrap();
    assert_eq!((found.members, found.name.as_str()), (both, "all"));
    let renamed = member(&sales, "centre");
    let after = change(MembersChange::Also(vec![renamed.clone()])).await;
    assert_eq!(after, Ok(vec![renamed, west.clone()]), "a member gets another prefix");
    let deleted = world.store.delete_data_source(sales.id, event(Action::DeleteDataSource)).await;
    deleted.unwrap().unwrap();
    let found = world.store.find_data_source(group.id).await.unwrap().unwrap();
    assert_eq!(found.members, [west], "a data source that is deleted is no member");
    assert_eq!(change(MembersChange::With(Vec::new())).await, Ok(Vec::new()));
    assert!(world.store.find_data_source(stock.id).await.unwrap().is_some());
}

pub async fn refusals_of_members_change_nothing(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (sales, stock) = (insert(&world, "sales", 1).await, insert(&world, "stock", 1).await);
    let foreign = insert_of(&world, "foreign", 1, world.administrator.id).await;
    let (group, other) =
        (insert(&world, "all", GROUP_STORE).await, insert(&world, "other", GROUP_STORE).await);
    let kept = member(&sales, "east");
    change_members(&world, group.id, MembersChange::With(vec![kept.clone()])).await.unwrap();
    let nobody = DataSourceId::new(77);
    let unknown = GroupMember { source: nobody, prefix: "west".to_owned() };
    for (id, refused, refusal) in [
        (group.id, unknown, DataSourceRefusal::UnknownMember(nobody)),
        (group.id, member(&foreign, "west"), DataSourceRefusal::UnknownMember(foreign.id)),
        (group.id, member(&other, "west"), DataSourceRefusal::GroupAsMember(other.id)),
        (group.id, member(&group, "west"), DataSourceRefusal::GroupAsMember(group.id)),
        (group.id, member(&stock, "EAST"), DataSourceRefusal::MemberClash(stock.id)),
        (group.id, member(&stock, "east_2"), DataSourceRefusal::MemberClash(stock.id)),
        (sales.id, member(&stock, "west"), DataSourceRefusal::NoGroup),
        (nobody, member(&stock, "west"), DataSourceRefusal::Unknown),
    ] {
        let outcome = change_members(&world, id, MembersChange::Also(vec![refused])).await;
        assert_eq!(outcome.err(), Some(refusal));
    }
    let twice = vec![member(&stock, "west"), member(&stock, "north")];
    let outcome = change_members(&world, group.id, MembersChange::With(twice)).await;
    assert_eq!(outcome.err(), Some(DataSourceRefusal::MemberClash(stock.id)));
    let many = |number: usize| GroupMember {
        source: DataSourceId::new(i64::try_from(number).unwrap()),
        prefix: format!("p{number}"),
    };
    let many = (0..=MOST_MEMBERS).map(many).collect();
    let outcome = change_members(&world, group.id, MembersChange::With(many)).await;
    assert_eq!(outcome.err(), Some(DataSourceRefusal::TooManyMembers));
    assert_eq!(world.store.find_data_source(group.id).await.unwrap().unwrap().members, [kept]);
}

pub async fn members_that_are_added_at_once_are_all_there(store: Arc<dyn Store>) {
    const MANY: usize = 8;
    let world = World::new(store).await;
    let group = insert(&world, "all", GROUP_STORE).await;
    let mut members = Vec::new();
    for number in 0..MANY {
        members.push(member(&insert(&world, &format!("source{number}"), 1).await, &format!("p{number}")));
    }
    let outcomes = at_once(MANY, |task| {
        let (store, change) = (Arc::clone(&world.store), MembersChange::Also(vec![members[task].clone()]));
        async move { store.change_members(group.id, change, event(Action::UpdateDataSource)).await }
    });
    assert!(outcomes.await.into_iter().all(|outcome| outcome.unwrap().is_ok()));
    assert_eq!(world.store.find_data_source(group.id).await.unwrap().unwrap().members, members);
}

fn member(source: &DataSource, prefix: &str) -> GroupMember {
    GroupMember { source: source.id, prefix: prefix.to_owned() }
}

async fn change_members(
    world: &World,
    id: DataSourceId,
    change: MembersChange,
) -> Result<DataSource, DataSourceRefusal> {
    world.store.change_members(id, change, event(Action::UpdateDataSource)).await.unwrap()
}

async fn insert(world: &World, name: &str, data_store: i64) -> DataSource {
    insert_of(world, name, data_store, world.user.id).await
}

async fn insert_of(world: &World, name: &str, data_store: i64, owner: UserId) -> DataSource {
    let new = NewDataSource {
        name: name.to_owned(),
        description: String::new(),
        data_store,
        options: std::collections::BTreeMap::new(),
        sealing: Sealing::default(),
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        owner,
        at: START,
    };
    world.store.insert_data_source(new, event(Action::CreateDataSource)).await.unwrap().unwrap()
}
