//! `commissary grants`: the roles of the database, as SQL.

use common::db::grants::{self, RoleNames};

use crate::print;

/// Print the SQL that gives the roles of ingest, worker and api what their processes do, and no more. It asks no database.
///
/// Run it as the owner of the schema, after each `commissary migrate`, which does the same with `--grants`:
///
///   commissary grants | psql "$OWNER_URL"
///
/// Roles that are missing are made, for which a superuser (or CREATEROLE) is needed once; their passwords are set by psql's
/// \password. What a role has beyond this is taken from it.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    names: RoleNames,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    print::print("\\set ON_ERROR_STOP on\nBEGIN;".to_owned())?;
    for statement in grants::statements(&args.names) {
        print::print(format!("{statement};"))?;
    }
    print::print("COMMIT;".to_owned())
}
