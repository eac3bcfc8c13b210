use super::*;
use crate::edm_type::EdmType;
use crate::model::{Column, ForeignKey, Schema, Storage, Supply, Table, TableChanges};

fn table(name: &str, columns: &[&str], foreign_keys: Vec<ForeignKey>) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        ty: if name.starts_with("Id") { EdmType::Int32 } else { EdmType::String { max_length: None } },
        nullable: !name.starts_with("Id"),
        storage: Storage::default(),
    };
    Table {
        schema: None,
        name: name.to_owned(),
        set_name: None,
        columns: columns.iter().map(column).collect(),
        primary_key: vec![columns[0].to_owned()],
        key_is_enforced: true,
        foreign_keys,
        has_unusable_index: false,
        changes: TableChanges { possible: true, ..TableChanges::default() },
    }
}

/// Orders of customers.
fn model() -> Model {
    let to_customer = ForeignKey {
        columns: vec!["Customer".to_owned()],
        target_schema: None,
        target_table: "Customers".to_owned(),
        target_columns: Vec::new(),
    };
    let tables = vec![
        table("Orders", &["Id", "Customer", "Region", "Cost"], vec![to_customer]),
        table("Customers", &["Id", "Name"], Vec::new()),
    ];
    Model::compile("Shop", Schema { tables })
}

fn document(json: &str) -> ModelDocument {
    let document: ModelDocument = serde_json::from_str(json).unwrap();
    assert_eq!(document.faults(), []);
    document
}

fn rules(json: &str) -> AccessRules {
    AccessRules::of(&document(json), &model(), str::to_lowercase)
}

fn policy(of: &AccessRules, user: &str, roles: &[&str], application: Option<i64>) -> Policy {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    of.policy(RuleSubject { user, roles: &roles, application })
}

fn names(model: &Model) -> Vec<&str> {
    model.entity_types.iter().map(|entity_type| entity_type.name.as_str()).collect()
}

const RULES: &str = r#"{"rules":[
    {"tables":[{"table":"orders"}],"roles":["Manager"],"actions":["read","update","delete"]},
    {"tables":[{"table":"Orders"}],"users":["ann","BEN"],"actions":["read","insert"],"where":"Region eq @user.region","hiddenColumns":["cost"]},
    {"tables":[{"table":"Orders"}],"applications":[7],"actions":["read"],"where":"Region in @user.regions"}],
    "userAttributes":{"Ann":{"region":"N'o","regions":[]},"cleo":{"regions":["a","b"]}}}"#;

#[test]
fn the_first_rule_that_applies_decides() {
    let rules = rules(RULES);
    let of = |user: &str, roles: &[&str], application| {
        let policy = policy(&rules, user, roles, application);
        model().for_policy(&rules, &policy, RuleAction::Read)
    };
    let manager = of("zoe", &["Other", "manager"], None);
    assert_eq!(names(&manager), ["Orders", "Customers"]);
    assert_eq!(manager.entity_types[0].rule, None);
    assert_eq!(manager.entity_types[0].properties.len(), 4);
    assert_eq!(
        manager.entity_types[0].allowed_changes,
        AllowedChanges { insert: false, update: true, delete: true }
    );
    let ann = of("ANN", &[], None);
    assert!(ann.entity_types[0].rule.is_some());
    assert_eq!(ann.entity_types[0].properties.len(), 3, "the cost is hidden");
    assert_eq!(ann.entity_types[0].changes.as_deref(), Some(&[const { Supply::Statement }; 3][..]));
    assert_eq!(
        ann.entity_types[0].allowed_changes,
        AllowedChanges { insert: true, update: false, delete: false }
    );
    for (user, application) in [("zoe", None), ("zoe", Some(8))] {
        let other = of(user, &[], application);
        assert_eq!(names(&other), ["Customers"], "no rule lets {user} read, and the other table has none");
        assert!(other.entity_types[0].navigations.is_empty());
        assert_eq!(other.entity_types[0].allowed_changes, AllowedChanges::ALL);
    }
    assert_eq!(names(&of("zoe", &[], Some(7))), ["Orders", "Customers"]);
}

#[test]
fn equal_callers_have_equal_policies() {
    let rules = rules(RULES);
    assert_eq!(policy(&rules, "x", &["manager"], None), policy(&rules, "y", &["MANAGER", "b"], None));
    assert_ne!(policy(&rules, "ann", &[], None), policy(&rules, "ben", &[], None), "their regions differ");
    let literals = |user: &str| policy(&rules, user, &[], None).attributes.into_values().collect::<Vec<_>>();
    assert_eq!(literals("ann"), [Some("'N''o'".to_owned()), None], "nothing is in an empty list");
    assert_eq!(literals("Cleo"), [None, Some("('a','b')".to_owned())]);
}

#[test]
fn a_condition_that_cannot_be_understood_allows_nothing() {
    let of = |condition: &str| {
        let rules = rules(&format!(r#"{{"rules":[{{"actions":["read"],"where":"{condition}"}}]}}"#));
        let model = model().for_policy(&rules, &policy(&rules, "ann", &[], None), RuleAction::Read);
        let rule = model.entity_types[0].rule.clone().expect("a rule");
        (rule.condition().to_owned(), rules.findings(&model))
    };
    let nothing = "(false)";
    for condition in [
        "Region eq @user.region",
        "Nowhere eq 'x'",
        "Region",
        "Customers/Nowhere eq 'x'",
        "Customers/any(c:c/Name eq 'x')",
        "Customers/Orders/any(o:1 div o/Id eq 1)",
        "Customers/Orders/any(a:a/Customers/Orders/any(b:b/Customers/Orders/any(c:c/Customers/Orders/any())))",
        "1 div Id eq 1",
        "Id eq 1 and now() gt now()",
    ] {
        let (condition, findings) = of(condition);
        assert_eq!(condition, nothing);
        assert!(
            findings.iter().any(|finding| finding.message.contains("allows nothing in Orders")),
            "{findings:?}"
        );
    }
    for condition in ["Customers/Name eq 'x'", "Customers/Orders/all(o:o/Region eq 'x')"] {
        let (understood, findings) = of(condition);
        assert_eq!(understood, format!("({condition})"));
        assert!(findings.iter().all(|finding| !finding.message.contains("Orders:")), "{findings:?}");
    }
    let (condition, findings) = of("Region eq '@user.region'");
    assert_ne!(condition, nothing, "nothing is an attribute in quotes");
    assert!(findings.iter().all(|finding| !finding.message.contains("Orders")), "{findings:?}");
}

#[test]
fn hidden_columns_take_keys_and_navigation_with_them() {
    let hiding = |columns: &str| {
        let rules = rules(&format!(
            r#"{{"rules":[{{"tables":[{{"table":"Orders"}}],"actions":["read"],"hiddenColumns":[{columns}]}}]}}"#
        ));
        let policy = policy(&rules, "ann", &[], None);
        (model().for_policy(&rules, &policy, RuleAction::Read), rules.findings(&model()).len())
    };
    let (model, findings) = hiding(r#""Customer""#);
    assert_eq!((names(&model), findings), (vec!["Orders", "Customers"], 0));
    assert!(model.entity_types.iter().all(|entity_type| entity_type.navigations.is_empty()));
    assert_eq!(model.entity_types[0].property("Cost").unwrap().0, 2);
    let (model, _) = hiding(r#""Region""#);
    let [to_customer] = model.entity_types[0].navigations.as_slice() else { panic!("{model:?}") };
    assert_eq!((to_customer.on.as_slice(), to_customer.target), (&[(1, 0)][..], 1));
    assert_eq!(names(&hiding(r#""Id""#).0), ["Customers"], "without a key there are no addresses");
    assert_eq!(hiding(r#""Nothing""#).1, 1);
}

#[test]
fn masked_columns_identify_and_relate_nothing_and_are_not_written() {
    let masking = |masks: &str| {
        let rules = rules(&format!(
            r#"{{"rules":[{{"tables":[{{"table":"Orders"}}],"actions":["read","update"],"maskedColumns":[{masks}]}}]}}"#
        ));
        let policy = policy(&rules, "ann", &[], None);
        let findings =
            rules.findings(&model()).into_iter().map(|finding| finding.message).collect::<Vec<_>>();
        (model().for_policy(&rules, &policy, RuleAction::Update), findings)
    };
    let (model, findings) = masking(r#"{"column":"customer"},{"column":"Cost","text":"x"}"#);
    assert_eq!((names(&model), findings.len()), (vec!["Orders", "Customers"], 0));
    assert!(model.entity_types.iter().all(|entity_type| entity_type.navigations.is_empty()));
    let orders = &model.entity_types[0];
    assert_eq!(orders.properties.len(), 4);
    let supplies = [Supply::Statement, Supply::Database, Supply::Statement, Supply::Database];
    assert_eq!(orders.changes.as_deref(), Some(&supplies[..]));
    let (model, findings) = masking(r#"{"column":"Id","text":"x"},{"column":"Nothing"}"#);
    assert_eq!(names(&model), ["Customers"], "without a key there are no addresses");
    assert_eq!(findings.len(), 3, "{findings:?}");
}

#[test]
fn faults_of_rules_are_found_before_they_are_stored() {
    let faults = |json: &str| {
        let document: ModelDocument = serde_json::from_str(json).unwrap();
        document
            .faults()
            .into_iter()
            .chain(super::faults(&document, str::to_lowercase))
            .map(|fault| fault.path)
            .collect::<Vec<_>>()
    };
    for (json, path) in [
        (r#"{"rules":[{}]}"#, "rules[0].actions"),
        (r#"{"rules":[{"actions":["insert"],"hiddenColumns":["a"]}]}"#, "rules[0].hiddenColumns"),
        (r#"{"rules":[{"actions":["read"],"where":"Region eq"}]}"#, "rules[0].where"),
        (r#"{"rules":[{"actions":["insert"],"maskedColumns":[{"column":"a"}]}]}"#, "rules[0].maskedColumns"),
        (
            r#"{"rules":[{"actions":["read"],"maskedColumns":[{"column":"a","text":"x","lastCharacters":1}]}]}"#,
            "rules[0].maskedColumns[0]",
        ),
        (
            r#"{"rules":[{"actions":["read"],"maskedColumns":[{"column":"a","lastCharacters":0}]}]}"#,
            "rules[0].maskedColumns[0].lastCharacters",
        ),
        (
            r#"{"rules":[{"actions":["read"],"hiddenColumns":["A"],"maskedColumns":[{"column":"a"}]}]}"#,
            "rules[0].maskedColumns[0].column",
        ),
        (r#"{"rules":[{"actions":["read"],"where":"Region eq @region"}]}"#, "rules[0].where"),
        (r#"{"rules":[{"actions":["read"],"users":["a","a"]}]}"#, "rules[0].users[1]"),
        (r#"{"userAttributes":{"ann":{"name":"x"}}}"#, "userAttributes.ann.name"),
        (r#"{"userAttributes":{"ann":{"a-b":"x"}}}"#, "userAttributes.ann.a-b"),
        (r#"{"userAttributes":{"ANN":{},"ann":{}}}"#, "userAttributes.ann"),
        (r#"{"rules":[{"actions":["read"],"where":"Region in [\"@user.name\"]"}]}"#, "rules[0].where"),
    ] {
        assert_eq!(faults(json), [path], "{json}");
    }
    assert_eq!(
        faults(r#"{"rules":[{"actions":["read"],"where":"a in @user.b and c eq @user.d"}]}"#),
        [""; 0]
    );
}

#[test]
fn a_rule_about_all_tables_comes_in_its_order_among_the_others() {
    let rules = rules(
        r#"{"rules":[
            {"tables":[{"table":"Customers"}],"actions":["read"]},
            {"users":["ann"],"actions":["read","delete"],"where":"Id gt 1"},
            {"tables":[{"table":"Orders"}],"actions":["read"],"where":"Id gt 2"}]}"#,
    );
    let conditions = |user: &str, action| {
        let model = model().for_policy(&rules, &policy(&rules, user, &[], None), action);
        let condition = |entity_type: &EntityType| {
            let condition = entity_type.rule.as_ref().map_or("", |rule| rule.condition());
            (entity_type.name.clone(), condition.to_owned())
        };
        model.entity_types.iter().map(condition).collect::<Vec<_>>()
    };
    let expected = |of: &[(&str, &str)]| {
        of.iter().map(|(name, condition)| ((*name).to_owned(), (*condition).to_owned())).collect::<Vec<_>>()
    };
    let read = expected(&[("Orders", "(Id gt 1)"), ("Customers", "")]);
    assert_eq!(conditions("ann", RuleAction::Read), read);
    let delete = expected(&[("Orders", "(Id gt 1)"), ("Customers", "(Id gt 1)")]);
    assert_eq!(conditions("ann", RuleAction::Delete), delete);
    let other = expected(&[("Orders", "(Id gt 2)"), ("Customers", "")]);
    assert_eq!(conditions("ben", RuleAction::Read), other);
}

#[test]
fn few_attributes_are_looked_up_for_a_request() {
    let names = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("Region eq @user.a{at}")).collect();
        let rule = AccessRule {
            actions: vec![RuleAction::Read],
            condition: Some(names.join(" or ")),
            ..AccessRule::default()
        };
        let document = ModelDocument { rules: vec![rule], ..ModelDocument::default() };
        super::faults(&document, str::to_lowercase).into_iter().map(|fault| fault.path).collect::<Vec<_>>()
    };
    assert_eq!(names(MOST_ATTRIBUTES), [""; 0]);
    assert_eq!(names(MOST_ATTRIBUTES + 1), ["rules"]);
}
