//! Many new rows by COPY in its binary form: the server forms rows straight from it, while of arrays it makes tables first, column by
//! column. A few rows are inserted: COPY takes a round trip more.

use sqlx::{
    Encode, Postgres,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgConnection},
};

use super::DbError;

/// From so many rows on they are copied.
pub(super) const MANY: usize = 50;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// No flags, and no extension of the header.
const REST_OF_HEADER: [u8; 8] = [0; 8];
const END: i16 = -1;
const NULL: i32 = -1;

/// Rows on their way.
pub(super) struct Rows {
    bytes: PgArgumentBuffer,
    columns: i16,
}

impl Rows {
    /// Rows of so many columns.
    pub(super) fn new(columns: i16) -> Self {
        let mut bytes = PgArgumentBuffer::default();
        bytes.extend_from_slice(SIGNATURE);
        bytes.extend_from_slice(&REST_OF_HEADER);
        Self { bytes, columns }
    }

    pub(super) fn begin_row(&mut self) {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
    }

    /// The next value of the row.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub(super) fn put<'q>(&mut self, value: &impl Encode<'q, Postgres>) -> Result<(), BoxDynError> {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&NULL.to_be_bytes());
        if let IsNull::No = value.encode_by_ref(&mut self.bytes)? {
            let begin = at + NULL.to_be_bytes().len();
            let length = i32::try_from(self.bytes.len() - begin)?;
            if let Some(place) = self.bytes.get_mut(at..begin) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }

    /// # Errors
    /// When the database refuses a row or does not answer.
    pub(super) async fn send(
        mut self,
        connection: &mut PgConnection,
        statement: &'static str,
    ) -> Result<(), sqlx::Error> {
        self.bytes.extend_from_slice(&END.to_be_bytes());
        let mut copy = connection.copy_in_raw(statement).await?;
        copy.send(self.bytes.as_slice()).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// Whatever keeps a value from being encoded.
pub(super) fn unencodable(operation: &'static str) -> impl Fn(BoxDynError) -> DbError {
    move |error| DbError::new(operation, sqlx::Error::Encode(error))
}

/// Copies columns, as [`super::columns`] makes them, into the columns of the same names of a table, which is named in a statement's
/// beginning: `"COPY table"`.
macro_rules! copy_in {
    ($connection:expr, $copy:literal, $operation:literal, $columns:expr, [$first:ident $(, $column:ident)* $(,)?]) => {{
        let columns = $columns;
        let count = 1 $(+ { let _name = stringify!($column); 1 })*;
        let mut rows = $crate::db::copy::Rows::new(count);
        let failed = $crate::db::copy::unencodable($operation);
        let mut $first = columns.$first.iter();
        $(let mut $column = columns.$column.iter();)*
        while let (Some($first), $(Some($column),)*) = ($first.next(), $($column.next(),)*) {
            rows.begin_row();
            rows.put($first).map_err(&failed)?;
            $(rows.put($column).map_err(&failed)?;)*
        }
        let statement = concat!(
            $copy, " (", stringify!($first) $(, ", ", stringify!($column))*, ") FROM STDIN (FORMAT binary)"
        );
        rows.send($connection, statement)
            .await
            .map_err(|error| $crate::db::DbError::new($operation, error))
    }};
}
pub(super) use copy_in;
