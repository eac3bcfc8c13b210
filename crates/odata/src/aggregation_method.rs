//! The methods of `aggregate`.

/// How the values of a property become one ([OData Data Aggregation 4.0
/// §3.2.1.1](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_AggregationMethods)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the methods of the standard")]
pub enum Method {
    Sum,
    Min,
    Max,
    Average,
    CountDistinct,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Min, Self::Max, Self::Average, Self::CountDistinct];

    /// The name in `$apply`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Average => "average",
            Self::CountDistinct => "countdistinct",
        }
    }

    /// The method with a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}
