//! Rows taken apart into columns: Postgres gets a batch as one array for each column, and `unnest` makes rows of them again.

/// Declares the columns of a batch: their names in the table, the types of their elements, and where a row has them.
///
/// The pattern names every field of a row. A field that is new in the entity does not compile until it has a column here or
/// is left out by `field: _`; a column that no statement binds is dead code.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        $columns:ident<$life:lifetime> of $row:pat in $row_type:ty {
            $($(#[$column_doc:meta])* $column:ident: $type:ty = $value:expr,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $columns<$life> {
            $($(#[$column_doc])* $column: Vec<$type>,)+
        }

        impl<$life> $columns<$life> {
            /// `None`: there are no rows, and nothing is to be done.
            fn of(rows: impl IntoIterator<Item = $row_type>) -> Option<Self> {
                /// One row. That a field has the name of a column hides nothing here.
                struct Values<$life> {
                    $($column: $type,)+
                }
                let values_of = |$row: $row_type| Values { $($column: $value,)+ };
                let mut rows = rows.into_iter().map(values_of).peekable();
                rows.peek()?;
                $(let mut $column = Vec::new();)+
                for values in rows {
                    $($column.push(values.$column);)+
                }
                Some(Self { $($column,)+ })
            }
        }
    };
}
pub(super) use columns;
