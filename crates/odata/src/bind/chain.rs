//! Terms of a run of `and` or `or`. Terms that compare one column with literals are merged into one list,
//! which an index serves at once, however long it is.

use std::collections::HashMap;

use crate::syntax::Junction;
use crate::tree::class::Class;
use crate::tree::column::ScanColumn;
use crate::tree::typed::{Comparison, Term, Typed};

/// Collects terms.
pub(super) struct Chains {
    junction: Junction,
    terms: Vec<Part>,
    /// The part that contains the list of a column.
    lists: HashMap<ScanColumn, usize>,
    nullable: bool,
}

enum Part {
    Term(Typed),
    /// A column that is compared with literals.
    List(Typed, Vec<Typed>),
}

impl Chains {
    pub(super) fn new(junction: Junction) -> Self {
        Self { junction, terms: Vec::new(), lists: HashMap::new(), nullable: false }
    }

    pub(super) fn push(&mut self, term: Typed) {
        self.nullable |= term.nullable;
        let (operand, value, column) = match self.split(term) {
            Ok(split) => split,
            Err(term) => return self.terms.push(Part::Term(term)),
        };
        if let Some(Part::List(_, values)) = self.lists.get(&column).map(|at| &mut self.terms[*at]) {
            return values.push(value);
        }
        self.lists.insert(column, self.terms.len());
        self.terms.push(Part::List(operand, vec![value]));
    }

    /// The column and the literal of `Name eq 'x'` in a run of `or`, and of `Name ne 'x'` in a run of
    /// `and`.
    fn split(&self, term: Typed) -> Result<(Typed, Typed, ScanColumn), Typed> {
        let listed = match self.junction {
            Junction::Or => Comparison::Eq,
            Junction::And => Comparison::Ne,
        };
        let is_literal = |side: &Typed| matches!(side.term, Term::Constant(_) | Term::Null);
        match term.term {
            Term::Compare(comparison, left, right) if comparison == listed => {
                match (&left.term, &right.term) {
                    (Term::Column(column), _) if is_literal(&right) => {
                        let column = *column;
                        Ok((*left, *right, column))
                    }
                    (_, Term::Column(column)) if is_literal(&left) => {
                        let column = *column;
                        Ok((*right, *left, column))
                    }
                    _ => Err(Typed { term: Term::Compare(comparison, left, right), ..term }),
                }
            }
            _ => Err(term),
        }
    }

    pub(super) fn finish(self) -> Typed {
        let junction = self.junction;
        let mut terms: Vec<Typed> = self.terms.into_iter().map(|part| part.typed(junction)).collect();
        if terms.len() == 1 {
            return terms.swap_remove(0);
        }
        let term = match junction {
            Junction::Or => Term::Or(terms),
            Junction::And => Term::And(terms),
        };
        Typed { term, class: Class::Boolean, nullable: self.nullable }
    }
}

impl Part {
    fn typed(self, junction: Junction) -> Typed {
        let (operand, mut values) = match self {
            Self::Term(term) => return term,
            Self::List(operand, values) => (operand, values),
        };
        let comparison = if junction == Junction::Or { Comparison::Eq } else { Comparison::Ne };
        if values.len() == 1 {
            return Typed::plain_comparison(comparison, operand, values.swap_remove(0));
        }
        let member = Typed::member(operand, values);
        match junction {
            Junction::Or => member,
            Junction::And => {
                Typed { term: Term::Not(Box::new(member)), class: Class::Boolean, nullable: false }
            }
        }
    }
}
