//! The properties of values that expressions return.

use super::Scans;
use super::class::Class;
use super::column::ScanColumn;
use super::function::Function;
use super::typed::{Term, Typed};
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::{Property, Storage};

/// What is known of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DescribedValue {
    pub(crate) ty: EdmType,
    /// The form of its values, if they are decimals.
    pub(crate) form: Form,
    pub(crate) nullable: bool,
    /// Whether a text is made of columns that keep text in UTF-8.
    pub(crate) is_textual: bool,
    /// The number of stored texts that it may be put together from.
    pub(crate) copies: u32,
}

impl DescribedValue {
    /// The value of an expression. Its type is that of the property, if it is a column.
    pub(crate) fn of(value: &Typed, scans: &Scans<'_>) -> Self {
        let (ty, form) = match value.term {
            Term::Column(column) => {
                let property = scans.property(column);
                let is_returned = property.storage.form == Form::Compared;
                (property.ty, if is_returned { Form::Compared } else { Form::Canonical })
            }
            _ => (value.class.widest(), Form::Compared),
        };
        let mut is_textual = is_text(ty) && !reads_other_rows(value);
        value.each_column(&mut |column| {
            let property = scans.property(column);
            is_textual &= !is_text(property.ty) || property.storage.is_textual;
        });
        let copies = copies(value, &|column| scans.property(column).copies);
        Self { ty, form, nullable: value.nullable, is_textual, copies }
    }

    /// A value that is one or the other; `None` if they have different classes.
    pub(crate) fn or(self, other: Self) -> Option<Self> {
        let class = Class::from(self.ty);
        let ty = if self.ty == other.ty { self.ty } else { class.widest() };
        let form = if self.ty == other.ty && self.form == other.form { self.form } else { Form::Compared };
        let is_textual = self.is_textual && other.is_textual;
        let nullable = self.nullable || other.nullable;
        let copies = self.copies.max(other.copies);
        (class == Class::from(other.ty)).then_some(Self { ty, form, nullable, is_textual, copies })
    }

    /// A value that is no text.
    pub(super) fn number(ty: EdmType, nullable: bool) -> Self {
        Self { ty, form: Form::Compared, nullable, is_textual: false, copies: 1 }
    }

    /// The property with this name and column: always a value of its type, in the form in which values are compared.
    pub(super) fn property(self, name: &str, column: String) -> Property {
        let Self { ty, form, nullable, is_textual, copies } = self;
        let form = match ty {
            EdmType::Duration => Form::Compared,
            EdmType::Decimal { .. } => form,
            _ => Form::Canonical,
        };
        let storage = Storage { form, is_textual, is_guaranteed: true, ..Storage::default() };
        Property { name: name.to_owned(), column, ty, nullable, storage, may_be_invalid: false, copies }
    }
}

/// The number of stored texts that a value may be put together from. `of_column` says it of a column.
fn copies(value: &Typed, of_column: &dyn Fn(ScanColumn) -> u32) -> u32 {
    let parts = match &value.term {
        Term::Column(column) => of_column(*column),
        Term::Call(Function::Concat, parts) => {
            parts.iter().fold(0, |sum: u32, part| sum.saturating_add(copies(part, of_column)))
        }
        Term::Call(_, arguments) => {
            arguments.iter().map(|argument| copies(argument, of_column)).max().unwrap_or(1)
        }
        Term::Case(cases) => cases.iter().map(|(_, value)| copies(value, of_column)).max().unwrap_or(1),
        // It is about a table.
        Term::Value(_, inner) => copies(inner, &|_| 1),
        _ => 1,
    };
    parts.max(1)
}

/// Whether a text is made of one of a row that is found by itself, whose column is not looked at here.
fn reads_other_rows(text: &Typed) -> bool {
    match &text.term {
        Term::Value(..) => true,
        Term::Call(_, arguments) => arguments.iter().any(reads_other_rows),
        Term::Case(cases) => cases.iter().any(|(_, value)| reads_other_rows(value)),
        _ => false,
    }
}

fn is_text(ty: EdmType) -> bool {
    matches!(ty, EdmType::String { .. })
}
