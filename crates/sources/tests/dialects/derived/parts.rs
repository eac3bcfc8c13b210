//! Groups, and rows that are made of several parts, as the standard describes them.

use super::aggregates::{self, Aggregate, METHODS};
use super::{AGAIN, AGGREGATED, Derived, Maker, Named, by};
use crate::decimal::Decimal;
use crate::oracle::{Value, in_order};
use crate::rows::Class;

/// Rows with their columns and the places of their key.
#[derive(Clone)]
struct Part {
    columns: Vec<Named>,
    keys: Vec<usize>,
    rows: Vec<Derived>,
}

impl Maker<'_> {
    pub(super) fn group(&mut self, names: &[&'static str; 3]) -> Option<()> {
        let (text, part) = self.grouped(names)?;
        self.become_parts(vec![part]);
        self.transformation(&text);
        Some(())
    }

    /// The groups of the rows in two ways, or the rows and their groups.
    pub(super) fn concat(&mut self) -> Option<()> {
        let first = if self.requests.chance(3) {
            let (columns, keys) = (self.columns.clone(), self.keys.clone());
            ("identity".to_owned(), Part { columns, keys, rows: self.rows.clone() })
        } else {
            self.grouped(&AGGREGATED)?
        };
        let second = self.grouped(&AGAIN)?;
        let text = format!("concat({},{})", first.0, second.0);
        self.become_parts(vec![first.1, second.1]);
        self.transformation(&text);
        Some(())
    }

    /// The groups of each level.
    pub(super) fn rollup(&mut self) -> Option<()> {
        let keys = self.grouping();
        if keys.is_empty() {
            return self.group(&AGGREGATED);
        }
        let aggregates = self.aggregates(&AGGREGATED, 1);
        let least = self.requests.random.place(2);
        let levels = (least..=keys.len()).rev();
        let parts: Option<Vec<Part>> = levels.map(|count| self.groups(&keys[..count], &aggregates)).collect();
        let all = if least == 0 { "$all," } else { "" };
        let text = format!("groupby((rollup({all}{})),aggregate({}))", self.names(&keys), texts(&aggregates));
        self.become_parts(parts?);
        self.transformation(&text);
        Some(())
    }

    /// Keeps the rows with the highest or lowest numbers that reach a sum.
    pub(super) fn reach(&mut self) -> Option<()> {
        let is_exact = |at: &usize| {
            matches!(self.columns[*at].class, Class::Integer | Class::Decimal) && self.columns[*at].exact
        };
        let numbers: Vec<usize> = (1..self.columns.len()).filter(is_exact).collect();
        if numbers.is_empty() {
            return Some(());
        }
        let at = self.requests.one(&numbers);
        let (bottom, percent) = (self.requests.chance(2), self.requests.chance(2));
        let amount = if percent {
            self.requests.one(&["0.5", "10", "33.3", "50", "100"])
        } else {
            self.requests.one(&["-1", "0", "1", "7", "100.25", "100000"])
        };
        let name = if bottom { "bottom" } else { "top" };
        let unit = if percent { "percent" } else { "sum" };
        self.transformation(&format!("{name}{unit}({amount},{})", self.columns[at].name));
        let order = [(at, !bottom), (0, !bottom)];
        self.rows.sort_by(|one, other| by(&order, one, other));
        let number = |row: &Derived| match row.values[at] {
            Value::Number(number) => number,
            _ => Decimal::whole(0),
        };
        let amount = Decimal::read(amount)?;
        let zero = Decimal::whole(0);
        let mut all = zero;
        for row in &self.rows {
            all = all.add(number(row))?;
        }
        let wanted = if percent { all.mul(amount)? } else { amount };
        let mut kept = Vec::new();
        let mut so_far = zero;
        for row in std::mem::take(&mut self.rows) {
            let reached = if percent { so_far.mul(Decimal::whole(100))? } else { so_far };
            if reached.compare(wanted).is_ge() {
                break;
            }
            so_far = so_far.add(number(&row))?;
            kept.push(row);
        }
        self.rows = kept;
        Some(())
    }

    /// Some columns by which rows can be grouped.
    fn grouping(&mut self) -> Vec<usize> {
        let mut keys: Vec<usize> = Vec::new();
        let most = if self.columns.len() == 1 { 1 } else { 4 };
        for _ in 0..self.requests.random.place(most) {
            // The id makes a group of each row.
            let key = 1 + self.requests.random.place(self.columns.len() - 1);
            if !keys.contains(&key) && self.columns[key].exact {
                keys.push(key);
            }
        }
        keys
    }

    /// Values of groups, at least some of them.
    fn aggregates(&mut self, names: &[&'static str; 3], least: usize) -> Vec<Aggregate> {
        let count = least + self.requests.random.place(names.len());
        names[..count.min(names.len())].iter().map(|name| self.aggregate(name)).collect()
    }

    /// The text of a transformation that groups the rows, and the groups.
    fn grouped(&mut self, names: &[&'static str; 3]) -> Option<(String, Part)> {
        let keys = self.grouping();
        let aggregates = self.aggregates(names, usize::from(keys.is_empty()));
        let (names, texts) = (self.names(&keys), texts(&aggregates));
        let text = match (keys.is_empty(), texts.is_empty()) {
            (true, _) => format!("aggregate({texts})"),
            (false, true) => format!("groupby(({names}))"),
            (false, false) => format!("groupby(({names}),aggregate({texts}))"),
        };
        Some((text, self.groups(&keys, &aggregates)?))
    }

    fn names(&self, keys: &[usize]) -> String {
        keys.iter().map(|key| self.columns[*key].name).collect::<Vec<_>>().join(",")
    }

    fn groups(&self, keys: &[usize], aggregates: &[Aggregate]) -> Option<Part> {
        let mut groups: Vec<(Vec<Value>, Vec<Derived>)> = Vec::new();
        if keys.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        for row in &self.rows {
            let own: Vec<Value> = keys.iter().map(|key| row.values[*key].clone()).collect();
            let is_equal = |(other, _): &&mut (Vec<Value>, Vec<Derived>)| {
                own.iter().zip(other).all(|(one, other)| in_order(one, other).is_eq())
            };
            match groups.iter_mut().find(is_equal) {
                Some((_, members)) => members.push(row.clone()),
                None => groups.push((own, vec![row.clone()])),
            }
        }
        let mut rows = Vec::new();
        for (mut values, members) in groups {
            for aggregate in aggregates {
                values.push(aggregate.value(&members)?);
            }
            let members = members.iter().flat_map(|row| row.members.clone()).collect();
            rows.push(Derived { values, members, missing: Vec::new() });
        }
        let mut columns: Vec<Named> = keys.iter().map(|key| self.columns[*key].clone()).collect();
        columns.extend(aggregates.iter().cloned().map(Aggregate::named));
        Some(Part { columns, keys: (0..keys.len()).collect(), rows })
    }

    fn aggregate(&mut self, name: &'static str) -> Aggregate {
        if self.requests.chance(4) {
            return Aggregate::count(name);
        }
        let method = self.requests.one(&METHODS);
        let fitting: Vec<usize> = (0..self.columns.len())
            .filter(|at| aggregates::applies(method, self.columns[*at].class))
            .collect();
        if fitting.is_empty() {
            return Aggregate::count(name);
        }
        let operand = self.requests.one(&fitting);
        Aggregate::of(name, method, &self.columns[operand], operand)
    }

    /// The rows of all parts, one part after the other. A further column, which is not shown, has the number of the part.
    fn become_parts(&mut self, mut parts: Vec<Part>) {
        if parts.len() == 1 {
            let Part { columns, keys, rows } = parts.remove(0);
            (self.columns, self.keys, self.rows) = (columns, keys, rows);
            return;
        }
        let mut columns: Vec<Named> = Vec::new();
        for column in parts.iter().flat_map(|part| &part.columns) {
            if !columns.iter().any(|other| other.name == column.name) {
                columns.push(column.clone());
            }
        }
        let place = |named: &Named| columns.iter().position(|other| other.name == named.name).unwrap();
        let number = columns.len();
        self.rows.clear();
        self.keys.clear();
        for (part, Part { columns: own, keys, rows }) in parts.into_iter().enumerate() {
            let places: Vec<usize> = own.iter().map(place).collect();
            self.keys.extend(keys.iter().map(|key| places[*key]));
            for row in rows {
                let mut values = vec![Value::Null; number + 1];
                for (value, place) in row.values.into_iter().zip(&places) {
                    values[*place] = value;
                }
                values[number] = Value::Number(Decimal::whole(part as i128));
                let missing = (0..=number).filter(|at| !places.contains(at)).collect();
                self.rows.push(Derived { values, members: row.members, missing });
            }
        }
        self.keys.sort_unstable();
        self.keys.dedup();
        self.order = vec![(number, false)];
        columns.push(Named { name: "", class: Class::Integer, exact: false });
        self.columns = columns;
    }
}

fn texts(aggregates: &[Aggregate]) -> String {
    aggregates.iter().map(|aggregate| aggregate.text.as_str()).collect::<Vec<_>>().join(",")
}
