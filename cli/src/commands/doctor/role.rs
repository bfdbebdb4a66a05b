//! Whether the role of the database has what its process needs, and no more.

use common::db::grants::{RoleNames, RoleReport};

use common::health::Check;

/// Objects that are named; of more their number is told.
const NAMED: usize = 5;

/// The owner's URL is for migrations and for operators' commands, so it is well as long as it is not meant for a process. Where no
/// roles have been made somebody tries things out.
pub(super) fn judge(report: &RoleReport, names: &RoleNames) -> Check {
    let RoleReport { user, .. } = report;
    let what = match report.role {
        Some(role) => format!("the URL of {role}"),
        None => "each process".to_owned(),
    };
    let name = report.role.map_or("its own role", |role| names.of(role));
    let way_out = format!("give {what} the user {name}, which `commissary grants` makes");
    let result = if report.is_superuser {
        let sentence =
            format!("{user} is a superuser: what takes over one process has the whole server; {way_out}");
        told(report, sentence)
    } else if report.owns {
        let sentence = format!(
            "{user} owns tables: it is for `commissary migrate` and operators' commands, not for a process; {way_out}"
        );
        match report.role {
            Some(_) => Err(sentence),
            None => Ok(sentence),
        }
    } else if !report.attributes.is_empty() {
        let all = report.attributes.join(", ");
        Err(format!(
            "{user} has {all}, which no process needs: ALTER ROLE \"{user}\" {}",
            without(&report.attributes)
        ))
    } else if let Some(role) = report.role {
        of_process(report, &role.to_string())
    } else {
        Ok(format!(
            "{user} is none of the roles of `commissary grants`; --role says which one to compare it with"
        ))
    };
    Check { name: "role", result }
}

/// A superuser is wrong, but where nobody has made the roles yet.
fn told(report: &RoleReport, sentence: String) -> Result<String, String> {
    if report.role.is_some() || report.are_made {
        Err(sentence)
    } else {
        Ok(sentence)
    }
}

fn of_process(report: &RoleReport, role: &str) -> Result<String, String> {
    let RoleReport {
        user,
        too_much,
        too_little,
        ..
    } = report;
    if too_much.is_empty() && too_little.is_empty() {
        return Ok(format!("{user} has what {role} needs, and no more"));
    }
    let mut faults = Vec::new();
    if !too_little.is_empty() {
        faults.push(format!("lacks {}", few(too_little)));
    }
    if !too_much.is_empty() {
        faults.push(format!("has {} too much", few(too_much)));
    }
    Err(format!(
        "{user} {}: as the owner of the schema run `commissary migrate --grants`",
        faults.join(" and ")
    ))
}

fn few(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn without(attributes: &[String]) -> String {
    let all: Vec<_> = attributes
        .iter()
        .map(|attribute| format!("NO{attribute}"))
        .collect();
    all.join(" ")
}
