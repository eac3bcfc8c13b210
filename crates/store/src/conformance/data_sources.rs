//! Tests of data sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::account::data_source::MOST_SHARED_USERS;
use domain::account::{DataSource, SealedOption, StoredOptions};
use domain::audit::Action;
use domain::id::{DataSourceId, UserId};

use super::{START, World, at_once, event, insert_user};
use crate::{
    DataSourceChange, DataSourceRefusal, ModelChange, ModelPrecondition, NewDataSource, Sealing, Sharing,
    Store,
};

pub async fn a_data_source_is_found_by_name_without_case(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = insert(&world, "Sales").await.unwrap();
    assert_eq!(world.store.find_data_source(source.id).await.unwrap(), Some(source.clone()));
    assert_eq!(world.store.find_data_source_by_name("SALES").await.unwrap(), Some(source.clone()));
    assert_eq!(world.store.find_data_source_by_name("sale").await.unwrap(), None);
    assert_eq!(source.options, options("/data/sales.db"));
    assert_eq!((source.owner, source.data_store, source.shared_with), (world.user.id, 1, vec![]));
}

pub async fn credentials_are_those_of_one_user_and_end_with_the_access(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (source, store) = (insert(&world, "sales").await.unwrap(), &world.store);
    let (owner, other) = (world.user.id, world.administrator.id);
    let found = async |user| store.find_credentials(source.id, user).await.unwrap();
    let change = async |user, text: Option<&str>| {
        let sealed = text.map(|text| SealedOption::new(text.to_owned()));
        store.change_credentials(source.id, user, sealed, event(Action::StoreCredentials)).await.unwrap()
    };
    let sealed = |text: &str| Some(SealedOption::new(text.to_owned()));
    assert_eq!(change(other, Some("x")).await, Err(DataSourceRefusal::Unknown), "it is not shared");
    let share = async |sharing| {
        store.share_data_source(source.id, sharing, event(Action::ShareDataSource)).await.unwrap().unwrap();
    };
    share(Sharing::With(vec![other])).await;
    for (user, text) in [(owner, "a"), (other, "b"), (owner, "c")] {
        change(user, Some(text)).await.unwrap();
    }
    assert_eq!((found(owner).await, found(other).await), (sealed("c"), sealed("b")));
    let listed = async |user, after| store.list_credentials(user, after, 10).await.unwrap();
    assert_eq!((listed(owner, None).await, listed(other, None).await), (vec![source.id], vec![source.id]));
    assert_eq!(listed(owner, Some(source.id)).await, []);
    share(Sharing::Without(other)).await;
    share(Sharing::Also(vec![other])).await;
    assert_eq!((found(owner).await, found(other).await), (sealed("c"), None), "nothing comes back");
    change(other, Some("d")).await.unwrap();
    change(owner, None).await.unwrap();
    change(owner, None).await.unwrap();
    assert_eq!((found(owner).await, found(other).await), (None, sealed("d")));
    assert_eq!((listed(owner, None).await, listed(other, None).await), (vec![], vec![source.id]));
    store.delete_data_source(source.id, event(Action::DeleteDataSource)).await.unwrap().unwrap();
    assert_eq!(found(other).await, None);
    assert_eq!(change(owner, None).await, Err(DataSourceRefusal::Unknown));
}

pub async fn several_data_sources_are_found_by_their_names(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (sales, stock) = (insert(&world, "Sales").await.unwrap(), insert(&world, "Stock").await.unwrap());
    let found = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        world.store.find_data_sources_by_names(&names).await.unwrap()
    };
    let both = [sales.clone(), stock];
    assert_eq!(found(&["STOCK", "sale", "sales", "SALES", "a\0b", "x'); --"]).await, both);
    assert_eq!(found(&["sales"]).await, [sales]);
    assert_eq!(found(&["sale", ""]).await, []);
    assert_eq!(found(&[]).await, []);
}

pub async fn data_sources_are_visible_to_owners_and_those_they_are_shared_with(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (sales, stock) = (insert(&world, "sales").await.unwrap(), insert(&world, "stock").await.unwrap());
    let guest = insert_user(&world.store, "guest", &[]).await.unwrap();
    let visible = async |user| {
        let listed = world.store.list_data_sources(user).await.unwrap();
        listed.into_iter().map(|source| source.id).collect::<Vec<_>>()
    };
    let other = world.administrator.id;
    let share =
        |users| world.store.share_data_source(stock.id, Sharing::With(users), event(Action::ShareDataSource));
    assert_eq!(share(vec![other, other]).await.unwrap().unwrap().shared_with, [other]);
    let (all, own, shared) = (visible(None), visible(Some(world.user.id)), visible(Some(other)));
    assert_eq!((all.await, own.await), (vec![sales.id, stock.id], vec![sales.id, stock.id]));
    assert_eq!(shared.await, [stock.id]);
    let page = async |user, after, limit| {
        let listed = world.store.page_of_data_sources(user, after, limit).await.unwrap();
        listed.into_iter().map(|source| source.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 1).await, [sales.id]);
    assert_eq!(page(Some(world.user.id), Some(sales.id), 9).await, [stock.id]);
    assert_eq!(page(Some(other), None, 9).await, [stock.id]);
    assert_eq!(page(Some(other), Some(stock.id), 9).await, []);
    let page_of_users = async |id, after, limit| world.store.list_shares(id, after, limit).await.unwrap();
    share(vec![other, guest.id]).await.unwrap().unwrap();
    let (first, second) = ((other, "ada".to_owned()), (guest.id, "guest".to_owned()));
    assert_eq!(page_of_users(stock.id, None, 9).await, [first.clone(), second.clone()]);
    assert_eq!(page_of_users(stock.id, None, 1).await, [first]);
    assert_eq!(page_of_users(stock.id, Some(other), 9).await, [second]);
    assert_eq!(page_of_users(stock.id, Some(guest.id), 9).await, []);
    assert_eq!(page_of_users(sales.id, None, 9).await, []);
    assert_eq!(page_of_users(DataSourceId::new(77), None, 9).await, []);
    assert_eq!(share(vec![]).await.unwrap().unwrap().shared_with, []);
}

pub async fn sharing_with_many_at_once_loses_nobody(store: Arc<dyn Store>) {
    const MANY: usize = 16;
    let world = World::new(store).await;
    let source = insert(&world, "sales").await.unwrap();
    let mut users = vec![world.administrator.id];
    for number in 0..MANY {
        users.push(insert_user(&world.store, &format!("reader{number}"), &[]).await.unwrap().id);
    }
    let share = |sharing| {
        let store = Arc::clone(&world.store);
        async move { store.share_data_source(source.id, sharing, event(Action::ShareDataSource)).await }
    };
    share(Sharing::With(vec![world.administrator.id, world.user.id])).await.unwrap().unwrap();
    let outcomes = at_once(MANY + 1, |task| {
        let user = users[task];
        share(if task == 0 { Sharing::Without(user) } else { Sharing::Also(vec![user]) })
    });
    for outcome in outcomes.await {
        outcome.unwrap().unwrap();
    }
    let shared = world.store.find_data_source(source.id).await.unwrap().unwrap().shared_with;
    assert_eq!(shared, users[1..], "the owner was left out, and whoever was removed stays so");
}

pub async fn a_data_source_is_shared_with_so_many_users_and_no_more(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let source = insert(&world, "sales").await.unwrap();
    let mut users = Vec::new();
    // Not all at once: a store lets nobody wait for long.
    while users.len() <= MOST_SHARED_USERS {
        let before = users.len();
        let more = at_once((MOST_SHARED_USERS + 1 - before).min(100), |number| {
            let (world, name) = (Arc::clone(&world), format!("reader{}", before + number));
            async move { insert_user(&world.store, &name, &[]).await.unwrap().id }
        });
        users.extend(more.await);
    }
    let (last, most) = users.split_last().unwrap();
    let share = async |sharing| {
        let shared = world.store.share_data_source(source.id, sharing, event(Action::ShareDataSource)).await;
        shared.unwrap().map(|source| source.shared_with.len())
    };
    let too_many = Err(DataSourceRefusal::TooManyUsers);
    assert_eq!(share(Sharing::With(users.clone())).await, too_many);
    assert_eq!(share(Sharing::Also(users.clone())).await, too_many);
    assert!(world.store.find_data_source(source.id).await.unwrap().unwrap().shared_with.is_empty());
    let twice_and_the_owner = [most, most, &[world.user.id]].concat();
    assert_eq!(share(Sharing::With(twice_and_the_owner)).await, Ok(MOST_SHARED_USERS));
    assert_eq!(share(Sharing::Also(vec![*last])).await, too_many);
    assert_eq!(share(Sharing::Also(most[..2].to_vec())).await, Ok(MOST_SHARED_USERS), "they are in it");
    assert_eq!(share(Sharing::Without(most[0])).await, Ok(MOST_SHARED_USERS - 1));
    assert_eq!(share(Sharing::Also(vec![*last])).await, Ok(MOST_SHARED_USERS));
    assert_eq!(share(Sharing::With(vec![*last])).await, Ok(1));
}

pub async fn a_data_source_changes_and_goes(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = insert(&world, "sales").await.unwrap();
    let later = START.plus_secs(9);
    let change = DataSourceChange {
        max_authentication_age: Some(crate::MaxAuthenticationAge::Secs(300)),
        requires_second_factor: Some(true),
        writable: None,
        name: Some("SALES".to_owned()),
        description: "Sold things".to_owned(),
        options: Some(options("/data/other.db").into()),
        judged_for: None,
        at: later,
    };
    let changed =
        world.store.update_data_source(source.id, change, event(Action::UpdateDataSource)).await.unwrap();
    let changed = changed.unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("SALES", "Sold things"));
    assert_eq!((changed.max_authentication_age, changed.requires_second_factor), (Some(300), true));
    assert_eq!(
        (changed.options, changed.created_at, changed.updated_at),
        (options("/data/other.db"), START, later)
    );
    let before = world.store.versions().await.unwrap().data_sources;
    let touched = world
        .store
        .touch_data_source(source.id, later.plus_secs(1), event(Action::ReloadModel))
        .await
        .unwrap();
    assert_eq!(touched.unwrap().updated_at, later.plus_secs(1));
    assert!(world.store.versions().await.unwrap().data_sources > before);
    world.store.delete_data_source(source.id, event(Action::DeleteDataSource)).await.unwrap().unwrap();
    assert_eq!(world.store.find_data_source(source.id).await.unwrap(), None);
}

pub async fn a_model_document_is_stored_only_over_the_one_that_was_seen(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = insert(&world, "sales").await.unwrap();
    assert_eq!(source.model_version, 0);
    let find = async || world.store.find_model_document(source.id).await.unwrap();
    let change = async |document: Option<&str>, precondition| {
        let document = document.map(str::to_owned);
        let change = ModelChange { document, precondition, at: START.plus_secs(5) };
        let changed = world.store.change_model_document(source.id, change, event(Action::UpdateModel));
        changed.await.unwrap().map(|source| (source.model_version, source.updated_at))
    };
    let (later, refused) = (START.plus_secs(5), Err(DataSourceRefusal::ModelChanged));
    assert_eq!(find().await, None);
    assert_eq!(change(Some("a"), ModelPrecondition::Version(1)).await, refused);
    let before = world.store.versions().await.unwrap().data_sources;
    assert_eq!(change(Some("a"), ModelPrecondition::NoDocument).await, Ok((1, later)));
    assert!(world.store.versions().await.unwrap().data_sources > before, "other nodes learn of it");
    assert_eq!(change(Some("b"), ModelPrecondition::NoDocument).await, refused);
    assert_eq!(change(Some("b"), ModelPrecondition::Version(0)).await, refused);
    assert_eq!(find().await.as_deref(), Some("a"));
    assert_eq!(change(Some("b"), ModelPrecondition::Version(1)).await, Ok((2, later)));
    assert_eq!(change(Some("c"), ModelPrecondition::None).await, Ok((3, later)));
    assert_eq!(find().await.as_deref(), Some("c"));
    let found = world.store.find_data_source(source.id).await.unwrap().unwrap();
    assert_eq!(found.model_version, 3);
    assert_eq!(change(None, ModelPrecondition::Version(2)).await, refused);
    assert_eq!(change(None, ModelPrecondition::Version(3)).await, Ok((4, later)));
    assert_eq!(find().await, None);
    assert_eq!(
        change(Some("d"), ModelPrecondition::NoDocument).await,
        Ok((5, later)),
        "no version comes twice"
    );
    world.store.delete_data_source(source.id, event(Action::DeleteDataSource)).await.unwrap().unwrap();
    assert_eq!(find().await, None);
    assert_eq!(change(Some("e"), ModelPrecondition::None).await, Err(DataSourceRefusal::Unknown));
}

pub async fn secret_options_are_sealed_for_their_data_source(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let sealed = |key: &str, text: String| BTreeMap::from([(key.to_owned(), SealedOption::new(text))]);
    let new = NewDataSource {
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        sealing: Sealing::new(move |id| sealed("password", format!("for {id}"))),
        ..new(&world, "sales")
    };
    let inserted = world.store.insert_data_source(new, event(Action::CreateDataSource)).await.unwrap();
    let source = inserted.unwrap();
    assert_eq!(source.sealed_options, sealed("password", format!("for {}", source.id)));
    let found = world.store.find_data_source_by_name("sales").await.unwrap().unwrap();
    assert_eq!((&found, &world.store.list_data_sources(None).await.unwrap()[0]), (&source, &source));
    let update = async |options, judged_for| {
        let change = DataSourceChange {
            max_authentication_age: None,
            requires_second_factor: None,
            writable: None,
            name: None,
            description: "changed".to_owned(),
            options,
            judged_for,
            at: START,
        };
        let updated = world.store.update_data_source(source.id, change, event(Action::UpdateDataSource));
        updated.await.unwrap().map(|source| source.stored_options())
    };
    let kept = source.stored_options();
    assert_eq!(update(None, None).await, Ok(kept.clone()), "what is not named is kept");
    let other = StoredOptions { sealed: sealed("token", "another".to_owned()), ..kept.clone() };
    assert_eq!(update(Some(other.clone()), Some(kept.clone())).await, Ok(other.clone()));
    let refused = update(Some(kept.clone()), Some(kept)).await;
    assert_eq!(refused, Err(DataSourceRefusal::OptionsChanged), "the secrets have changed meanwhile");
    let none = StoredOptions::from(other.plain.clone());
    assert_eq!(update(Some(none.clone()), None).await, Ok(none), "none is left");
}

pub async fn changes_at_once_of_different_members_lose_nothing(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for round in 0..20 {
        let source = insert(&world, &format!("before_{round}")).await.unwrap();
        let changed = at_once(2, |task| {
            let store = world.store.clone();
            let change = DataSourceChange {
                max_authentication_age: None,
                requires_second_factor: None,
                writable: None,
                name: (task == 0).then(|| format!("after_{round}")),
                description: String::new(),
                options: (task == 1).then(|| options("/data/other.db").into()),
                judged_for: None,
                at: START,
            };
            async move { store.update_data_source(source.id, change, event(Action::UpdateDataSource)).await }
        });
        assert!(changed.await.into_iter().all(|changed| changed.unwrap().is_ok()));
        let after = world.store.find_data_source(source.id).await.unwrap().unwrap();
        assert_eq!((after.name, after.options), (format!("after_{round}"), options("/data/other.db")));
    }
}

pub async fn refusals_of_data_sources_change_nothing(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (sales, stock) = (insert(&world, "sales").await.unwrap(), insert(&world, "stock").await.unwrap());
    assert_eq!(insert(&world, "Sales").await, Err(DataSourceRefusal::NameTaken));
    let change = |name: &str| DataSourceChange {
        max_authentication_age: None,
        requires_second_factor: None,
        writable: None,
        name: Some(name.to_owned()),
        description: String::new(),
        options: Some(StoredOptions::default()),
        judged_for: None,
        at: START,
    };
    let update = |id, name| world.store.update_data_source(id, change(name), event(Action::UpdateDataSource));
    assert_eq!(update(stock.id, "SALES").await.unwrap(), Err(DataSourceRefusal::NameTaken));
    let nobody = Sharing::With(vec![world.user.id, UserId::new(77)]);
    let shared =
        world.store.share_data_source(sales.id, nobody, event(Action::ShareDataSource)).await.unwrap();
    assert_eq!(shared, Err(DataSourceRefusal::UnknownUser));
    let none = DataSourceId::new(77);
    assert_eq!(update(none, "x").await.unwrap(), Err(DataSourceRefusal::Unknown));
    let touched = world.store.touch_data_source(none, START, event(Action::ReloadModel)).await.unwrap();
    assert_eq!(touched, Err(DataSourceRefusal::Unknown));
    let deleted = world.store.delete_data_source(none, event(Action::DeleteDataSource)).await.unwrap();
    assert_eq!(deleted, Err(DataSourceRefusal::Unknown));
    assert_eq!(world.store.list_data_sources(None).await.unwrap(), [sales, stock]);
}

pub(super) async fn insert(world: &World, name: &str) -> Result<DataSource, DataSourceRefusal> {
    world.store.insert_data_source(new(world, name), event(Action::CreateDataSource)).await.unwrap()
}

fn new(world: &World, name: &str) -> NewDataSource {
    NewDataSource {
        max_authentication_age: None,
        requires_second_factor: false,
        writable: false,
        name: name.to_owned(),
        description: String::new(),
        data_store: 1,
        options: options("/data/sales.db"),
        sealing: Sealing::default(),
        owner: world.user.id,
        at: START,
    }
}

fn options(path: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("path".to_owned(), path.to_owned())])
}
