//! Trees made by hand, some of which no URL leads to yet: their statements in the second dialect, and their rows in
//! SQLite.

mod fixture;

use serde_json::json;

use crate::cell::Value;
use crate::model::Model;
use crate::position::Mark;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::{Comparison, Typed};
use crate::tree::{
    Aggregate, AggregateFunction, Aggregated, Compute, Computed, Expand, Filter, Order, Page, PlanNode, Scan,
    Scans,
};
use fixture::{Shop, expression, model, named, shared_keys_model, strict, strict_model};

const FIRST: ScanId = ScanId::FIRST;

/// The scan after the first.
fn second() -> ScanId {
    FIRST.next()
}

fn third() -> ScanId {
    second().next()
}

fn scan<'m>(model: &'m Model, id: ScanId, name: &str) -> PlanNode<'m> {
    PlanNode::Scan(Scan::of(id, model.entity_type(name).unwrap()))
}

fn filter(input: PlanNode<'_>, condition: Typed) -> PlanNode<'_> {
    PlanNode::Filter(Filter { input: Box::new(input), condition })
}

/// A page of all rows. Each term has whether it descends.
fn page(input: PlanNode<'_>, terms: Vec<(Typed, bool)>) -> Page<'_> {
    let order = terms.into_iter().map(|(term, descending)| Order { term, descending }).collect();
    Page { input: Box::new(input), order, after: None, skip: 0, rows: None }
}

/// The rows of `input` with those to which a navigation property of a type leads from a scan.
fn expand<'m>(
    model: &'m Model,
    input: PlanNode<'m>,
    (parent, name): (ScanId, &str),
    navigation: &str,
    nested: PlanNode<'m>,
) -> PlanNode<'m> {
    let navigation = model.entity_type(name).unwrap().navigation(navigation).unwrap();
    let (child, _) = nested.first_scan();
    let (input, nested) = (Box::new(input), Box::new(nested));
    PlanNode::Expand(Expand { input, navigation, parent, child, nested, only_related: false })
}

/// Orders with a total above 20, the highest first.
fn totals(model: &Model) -> (Page<'_>, [ScanColumn; 2]) {
    let of_order = |text| expression(model, FIRST, "Orders", text);
    let orders = scan(model, FIRST, "Orders");
    let value = Computed::new("Total", of_order("Price mul Quantity"), &Scans::of(&orders));
    let computed = PlanNode::Compute(Compute {
        input: Box::new(orders),
        id: second(),
        values: vec![value],
        scans: Vec::new(),
    });
    let rows = filter(computed, of_order("Price mul Quantity gt 20"));
    let order = vec![(of_order("Price mul Quantity"), true), (of_order("Number"), false)];
    (page(rows, order), [named(model, FIRST, "Orders", "Number"), second().column(0)])
}

#[test]
fn a_computed_value_is_shown_and_can_be_filtered_and_ordered_by() {
    let (shop, model) = (Shop::new(), model());
    let (page, shown) = totals(&model);
    let expected = [
        json!({"Number": 30, "Total": 60}),
        json!({"Number": 20, "Total": 45}),
        json!({"Number": 40, "Total": 21.5}),
    ];
    assert_eq!(shop.rows(&page, &shown), expected);
    assert_eq!(shop.walk(&page, &shown, 2), expected);
    assert_eq!(shop.count(&page.input), 3);
    let model = strict_model();
    let (page, shown) = totals(&model);
    assert_eq!(
        strict(&page, &shown),
        "SELECT [Number], ([Price] * [Quantity]), ([Price] * [Quantity]) FROM [Orders] \
         WHERE (([Price] * [Quantity]) > $1) ORDER BY ([Price] * [Quantity]) DESC NULLS LAST, [Number]"
    );
}

/// What each customer has spent in orders after the first, if that is more than 30 or unknown, and in how many.
fn spending(model: &Model) -> (Page<'_>, [ScanColumn; 3]) {
    let of_order = |text| expression(model, FIRST, "Orders", text);
    let orders = filter(scan(model, FIRST, "Orders"), of_order("Number gt 10"));
    let spent =
        Aggregated { function: AggregateFunction::Sum, operand: Some(of_order("Price mul Quantity")) };
    let count = Aggregated { function: AggregateFunction::Count, operand: None };
    let groups = Aggregate::of(
        orders,
        second(),
        vec![("Customer", of_order("CustomerId"))],
        vec![("Spent", spent), ("Orders", count)],
    );
    let result = |at: usize| Typed::column(second().column(at), &groups.entity_type.properties[at]);
    let terms = vec![(result(1), true), (result(0), true)];
    let condition = Typed::compare(Comparison::Gt, result(1), of_order("20"));
    (page(filter(PlanNode::Aggregate(groups), condition), terms), [0, 1, 2].map(|at| second().column(at)))
}

#[test]
fn groups_are_rows_that_can_be_filtered_ordered_paged_and_counted() {
    let (shop, model) = (Shop::new(), model());
    let (page, shown) = spending(&model);
    let expected = [
        json!({"Customer": 2, "Spent": 60, "Orders": 1}),
        json!({"Customer": 1, "Spent": 45, "Orders": 1}),
        json!({"Customer": null, "Spent": 21.5, "Orders": 1}),
    ];
    assert_eq!(shop.rows(&page, &shown), expected);
    assert_eq!(shop.walk(&page, &shown, 1), expected);
    assert_eq!(shop.count(&page.input), 3);
    let model = strict_model();
    let (page, shown) = spending(&model);
    assert_eq!(
        strict(&page, &shown),
        "SELECT [s1].[c0], [s1].[c1], [s1].[c2] FROM (SELECT [s0].[CustomerId] AS [c0], \
         SUM(([s0].[Price] * [s0].[Quantity])) AS [c1], COUNT(*) AS [c2] FROM [Orders] AS [s0] \
         WHERE ([s0].[Number] > $1) GROUP BY 1) AS [s1] WHERE ([s1].[c1] > $2) \
         ORDER BY [s1].[c1] DESC NULLS LAST, [s1].[c0] DESC NULLS LAST"
    );
}

#[test]
fn every_aggregate_function_gives_what_the_standard_says() {
    let (shop, model) = (Shop::new(), model());
    let of_order = |text| Some(expression(&model, FIRST, "Orders", text));
    let of = |function, operand| Aggregated { function, operand };
    let all = |rows| {
        let aggregates = vec![
            ("Count", of(AggregateFunction::Count, None)),
            ("Customers", of(AggregateFunction::CountDistinct, of_order("CustomerId"))),
            ("Sum", of(AggregateFunction::Sum, of_order("Quantity"))),
            ("Average", of(AggregateFunction::Average, of_order("Quantity"))),
            ("Least", of(AggregateFunction::Min, of_order("Price"))),
            ("Most", of(AggregateFunction::Max, of_order("Price"))),
        ];
        let groups = Aggregate::of(rows, second(), Vec::new(), aggregates);
        shop.rows(
            &page(PlanNode::Aggregate(groups), Vec::new()),
            &[0, 1, 2, 3, 4, 5].map(|at| second().column(at)),
        )
    };
    let orders = || scan(&model, FIRST, "Orders");
    assert_eq!(
        all(orders()),
        [json!({"Count": 4, "Customers": 2, "Sum": 8, "Average": 2.0, "Least": 1, "Most": 21.5})]
    );
    assert_eq!(
        all(filter(orders(), expression(&model, FIRST, "Orders", "Number lt 0"))),
        [json!({"Count": 0, "Customers": 0, "Sum": null, "Average": null, "Least": null, "Most": null})]
    );
}

/// Customers with the name of the country and of the adviser, ordered by those.
fn customers(model: &Model) -> (Page<'_>, [ScanColumn; 3]) {
    let countries = filter(
        scan(model, second(), "Countries"),
        expression(model, second(), "Countries", "Title ne 'France'"),
    );
    let rows = scan(model, FIRST, "Customers");
    let rows = expand(model, rows, (FIRST, "Customers"), "Countries", countries);
    let advisers = scan(model, third(), "Customers");
    let navigation = own_navigation(model, false);
    let rows = expand(model, rows, (FIRST, "Customers"), &navigation, advisers);
    let rows = filter(rows, expression(model, third(), "Customers", "Name ne 'Bob'"));
    let order = vec![
        (expression(model, second(), "Countries", "Title"), true),
        (expression(model, third(), "Customers", "Name"), false),
        (expression(model, FIRST, "Customers", "Id"), true),
    ];
    let shown = [
        named(model, FIRST, "Customers", "Id"),
        named(model, second(), "Countries", "Title"),
        named(model, third(), "Customers", "Name"),
    ];
    (page(rows, order), shown)
}

/// The navigation property from customers to customers, to many of them or to one.
fn own_navigation(model: &Model, collection: bool) -> String {
    let customers = model.entity_type("Customers").unwrap();
    let is_own = |target: usize| model.entity_types[target].name == "Customers";
    let own = customers.navigations.iter().find(|to| is_own(to.target) && to.collection == collection);
    own.unwrap().name.clone()
}

#[test]
fn an_expansion_to_one_is_a_join_whose_columns_order_and_filter_the_rows() {
    let (shop, model) = (Shop::new(), model());
    let (page, shown) = customers(&model);
    let expected = [
        json!({"Id": 1, "Title": "Germany", "Name": null}),
        json!({"Id": 4, "Title": "Germany", "Name": "Ann"}),
        json!({"Id": 2, "Title": null, "Name": "Ann"}),
    ];
    assert_eq!(shop.rows(&page, &shown), expected);
    for size in 1..4 {
        assert_eq!(shop.walk(&page, &shown, size), expected, "{size}");
    }
    let steps = shop.explained(&page, &shown);
    assert!(steps.contains("SEARCH s1 USING") && steps.contains("SEARCH s2 USING"), "{steps}");
    assert_eq!(shop.rows(&Page { skip: 1, rows: Some(1), ..page }, &shown), expected[1..2]);
    let model = strict_model();
    let (page, shown) = customers(&model);
    assert_eq!(
        strict(&page, &shown),
        "SELECT [s0].[Id], [s1].[Title], [s2].[Name] FROM [Customers] AS [s0] \
         LEFT JOIN [Countries] AS [s1] ON [s1].[Code] = [s0].[Country] AND ([s1].[Title] IS DISTINCT FROM $1) \
         LEFT JOIN [Customers] AS [s2] ON [s2].[Id] = [s0].[Adviser] WHERE ([s2].[Name] IS DISTINCT FROM $2) \
         ORDER BY [s1].[Title] DESC NULLS LAST, [s2].[Name] NULLS FIRST, [s0].[Id] DESC"
    );
}

/// Three customers from the second on, each with the country and with the orders below a number.
fn orders_of_customers(model: &Model) -> (Page<'_>, [ScanColumn; 3]) {
    let order = || {
        let of_customer = |text| expression(model, FIRST, "Customers", text);
        vec![(of_customer("Name"), true), (of_customer("Id"), false)]
    };
    let customers = Page { skip: 1, rows: Some(3), ..page(scan(model, FIRST, "Customers"), order()) };
    let of_order = |text| expression(model, second(), "Orders", text);
    let orders = filter(scan(model, second(), "Orders"), of_order("Number lt 30"));
    let rows = PlanNode::Page(customers);
    let rows = expand(model, rows, (FIRST, "Customers"), "Countries", scan(model, third(), "Countries"));
    let rows = expand(model, rows, (FIRST, "Customers"), "Orders", orders);
    let mut order = order();
    order.push((of_order("Number"), false));
    let shown = [
        named(model, FIRST, "Customers", "Name"),
        named(model, third(), "Countries", "Title"),
        named(model, second(), "Orders", "Number"),
    ];
    (page(rows, order), shown)
}

/// The page of customers below the expansions.
fn inner<'p, 'm>(node: &'p mut PlanNode<'m>) -> &'p mut Page<'m> {
    match node {
        PlanNode::Expand(expand) => inner(&mut expand.input),
        PlanNode::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_expansion_to_many_repeats_each_row_of_the_page_below_it() {
    let (shop, model) = (Shop::new(), model());
    let (mut page, shown) = orders_of_customers(&model);
    let expected = [
        json!({"Name": "Cid", "Title": null, "Number": null}),
        json!({"Name": "Bob", "Title": "France", "Number": null}),
        json!({"Name": "Ann", "Title": "Germany", "Number": 10}),
        json!({"Name": "Ann", "Title": "Germany", "Number": 20}),
    ];
    assert_eq!(shop.rows(&page, &shown), expected);
    let customers = inner(&mut page.input);
    let bob = vec![Mark::Value(Value::Text("Bob".to_owned())), Mark::Value(Value::Integer(2))];
    (customers.skip, customers.after) = (0, Some(bob));
    assert_eq!(shop.rows(&page, &shown), expected[2..]);
    let model = strict_model();
    let (page, shown) = orders_of_customers(&model);
    assert_eq!(
        strict(&page, &shown),
        "SELECT [s0].[Name], [s2].[Title], [s1].[Number], [s0].[Id] FROM (SELECT [s0].[Id], [s0].[Name], [s0].[Country], \
         [s0].[Adviser] FROM [Customers] AS [s0] WHERE [s0].[Id] IN (SELECT [s0].[Id] FROM [Customers] AS [s0] \
         ORDER BY [s0].[Name] DESC NULLS LAST, [s0].[Id] OFFSET $1 ROWS FETCH NEXT $2 ROWS ONLY) \
         ORDER BY [s0].[Name] DESC NULLS LAST, [s0].[Id]) AS [s0] \
         LEFT JOIN [Countries] AS [s2] ON [s2].[Code] = [s0].[Country] \
         LEFT JOIN [Orders] AS [s1] ON [s0].[Id] = [s1].[CustomerId] AND ([s1].[Number] < $3) \
         ORDER BY [s0].[Name] DESC NULLS LAST, [s0].[Id], [s1].[Number]"
    );
}

#[test]
fn a_page_after_a_position_below_a_join_keeps_the_names_of_its_columns() {
    let model = strict_model();
    let (mut page, shown) = orders_of_customers(&model);
    let customers = inner(&mut page.input);
    let ann = vec![Mark::Value(Value::Null), Mark::Value(Value::Integer(1))];
    (customers.skip, customers.after) = (0, Some(ann));
    let sql = strict(&page, &shown);
    let (_, subquery) = sql.split_once(" FROM ").unwrap();
    assert!(
        subquery.starts_with(
            "(SELECT [Id], [Name], [Country], [Adviser] FROM (SELECT * FROM (SELECT [s0].[Id], [s0].[Name], \
             [s0].[Country], [s0].[Adviser], [s0].[Name] AS [o0], [s0].[Id] AS [o1] FROM [Customers] AS [s0] \
             WHERE [s0].[Name] IS NULL AND [s0].[Id] > $1 \
             ORDER BY [s0].[Name] DESC NULLS LAST, [s0].[Id] OFFSET $2 ROWS FETCH NEXT $3 ROWS ONLY) AS t) AS t \
             ORDER BY [o0] DESC NULLS LAST, [o1] OFFSET $4 ROWS FETCH NEXT $5 ROWS ONLY) AS [s0] LEFT JOIN"
        ),
        "{subquery}"
    );
}

#[test]
fn expansions_nest_and_keep_rows_without_related_ones() {
    let (shop, model) = (Shop::new(), model());
    let countries = filter(
        scan(&model, third(), "Countries"),
        expression(&model, third(), "Countries", "Title ne 'Germany'"),
    );
    let customers = scan(&model, second(), "Customers");
    let customers = expand(&model, customers, (second(), "Customers"), "Countries", countries);
    // A condition on the nested rows and on those nested in them.
    let is_known = expression(&model, third(), "Countries", "Title ne null");
    let orders = scan(&model, FIRST, "Orders");
    let rows = expand(&model, orders, (FIRST, "Orders"), "Customers", filter(customers, is_known));
    let page = page(rows, vec![(expression(&model, FIRST, "Orders", "Number"), false)]);
    let shown = [
        named(&model, FIRST, "Orders", "Number"),
        named(&model, second(), "Customers", "Name"),
        named(&model, third(), "Countries", "Title"),
    ];
    assert_eq!(
        shop.rows(&page, &shown),
        [
            json!({"Number": 10, "Name": null, "Title": null}),
            json!({"Number": 20, "Name": null, "Title": null}),
            json!({"Number": 30, "Name": "Bob", "Title": "France"}),
            json!({"Number": 40, "Name": null, "Title": null}),
        ]
    );
    assert_eq!(shop.count(&page.input), 4);
}

#[test]
fn each_scan_serves_only_rows_that_have_an_address_of_their_own() {
    let (shop, model) = (Shop::new(), shared_keys_model());
    let rows = scan(&model, FIRST, "Customers");
    let countries = scan(&model, second(), "Twins");
    let rows = expand(&model, rows, (FIRST, "Customers"), "Twins", countries);
    let page = page(rows, vec![(expression(&model, FIRST, "Customers", "Id"), false)]);
    let shown = [named(&model, FIRST, "Customers", "Id"), named(&model, second(), "Twins", "Title")];
    assert_eq!(
        shop.rows(&page, &shown),
        [
            json!({"Id": 1, "Title": null}),
            json!({"Id": 2, "Title": "France"}),
            json!({"Id": 3, "Title": null}),
            json!({"Id": 4, "Title": null}),
        ]
    );
    assert_eq!(shop.count(&page.input), 4);
}

#[test]
fn a_filter_over_one_entity_hides_it() {
    let (shop, model) = (Shop::new(), model());
    let entity = |condition| {
        let mut one = Scan::of(FIRST, model.entity_type("Countries").unwrap());
        one.key = vec![expression(&model, FIRST, "Countries", "Code eq 'DE'")];
        let rows = filter(PlanNode::Scan(one), expression(&model, FIRST, "Countries", condition));
        shop.entity(&page(rows, Vec::new()), &[named(&model, FIRST, "Countries", "Title")])
    };
    assert_eq!(entity("Title eq 'Germany'"), [json!({"Title": "Germany"})]);
    assert_eq!(entity("Title eq 'France'"), [json!(null); 0]);
}

/// Rows 1 and 2 have the same values in different forms, and row 3 has none.
#[test]
fn what_an_expression_returns_is_shown_like_the_column_and_grouped_by_value() {
    let (shop, model) = (Shop::new(), model());
    let kinds = model.entity_type("Kinds").unwrap();
    for property in kinds.properties.iter().filter(|property| property.name != "Id") {
        let name = property.name.as_str();
        let column = expression(&model, FIRST, "Kinds", name);
        let rows = scan(&model, FIRST, "Kinds");
        let value = Computed::new("Same", column.clone(), &Scans::of(&rows));
        let rows = PlanNode::Compute(Compute {
            input: Box::new(rows),
            id: second(),
            values: vec![value],
            scans: Vec::new(),
        });
        let by_id = page(rows, vec![(expression(&model, FIRST, "Kinds", "Id"), false)]);
        let shown = shop.rows(&by_id, &[named(&model, FIRST, "Kinds", name), second().column(0)]);
        assert!(!shown[0][name].is_null() && shown[2][name].is_null(), "{name}: {shown:?}");
        for row in &shown {
            assert_eq!(row[name], row["Same"], "{name}");
            assert!(*row == shown[0] || *row == shown[2], "{name}: {row}");
        }
        let count = Aggregated { function: AggregateFunction::Count, operand: None };
        let rows = scan(&model, FIRST, "Kinds");
        let groups = Aggregate::of(rows, second(), vec![("Key", column)], vec![("Rows", count)]);
        let key = Typed::column(second().column(0), &groups.entity_type.properties[0]);
        let groups = page(PlanNode::Aggregate(groups), vec![(key, true)]);
        let grouped = shop.rows(&groups, &[0, 1].map(|at| second().column(at)));
        let expected = [json!({"Key": shown[0][name], "Rows": 2}), json!({"Key": null, "Rows": 1})];
        assert_eq!(grouped, expected, "{name}");
    }
}
