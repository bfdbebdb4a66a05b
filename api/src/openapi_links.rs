//! Links of the description: what a call creates is read, changed and deleted by other calls. People follow them by eye, and fuzzers
//! to make sequences of calls instead of guessing ids.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{Paths, RefOr, link::Link, path::PathItem};

/// Where what a POST has created is in its answer, and below which path it is found.
const CREATED: [(&str, &str, &str); 12] = [
    ("/1.6/affiliate-groups", "/id", "/1.6/affiliate-groups"),
    ("/1.6/affiliate-prospects", "/id", "/1.6/affiliate-prospects"),
    ("/1.6/affiliates", "/id", "/1.6/affiliates"),
    ("/1.6/affiliates/{id}/notes", "/id", "/1.6/affiliates/{id}/notes"),
    ("/1.6/clicks", "/id", "/1.6/clicks"),
    ("/1.6/conversions", "/id", "/1.6/conversions"),
    ("/1.6/conversions", "/commissions/0/id", "/1.6/commissions"),
    ("/1.6/conversions/{id}/commissions", "/0/id", "/1.6/commissions"),
    ("/1.6/customers", "/id", "/1.6/customers"),
    ("/1.6/payments", "/0/id", "/1.6/payments"),
    (
        "/1.6/programs/{program_id}/affiliates",
        "/id",
        "/1.6/programs/{program_id}/affiliates",
    ),
    ("/v1/keys", "/created/id", "/v1/keys"),
];
const SUCCESS: &str = "200";

/// Adds the links to the answers of the calls that create.
pub(crate) fn add(paths: &mut Paths) {
    let targets: Vec<(String, String)> = paths
        .paths
        .iter()
        .flat_map(|(path, item)| ids(item).map(|id| (trimmed(path).to_owned(), id.to_owned())))
        .collect();
    for (path, item) in &mut paths.paths {
        let path = trimmed(path);
        let answer = item
            .post
            .as_mut()
            .and_then(|call| call.responses.responses.get_mut(SUCCESS));
        let Some(RefOr::T(answer)) = answer else {
            continue;
        };
        for (_, pointer, below) in CREATED.iter().filter(|(creator, ..)| *creator == path) {
            for (target, id) in &targets {
                if let Some(parameters) = parameters(path, pointer, below, target) {
                    let link = Link::builder().operation_id(id);
                    let link = parameters
                        .into_iter()
                        .fold(link, |link, (name, value)| link.parameter(name, value));
                    answer.links.insert(id.clone(), link.build().into());
                }
            }
        }
    }
}

/// What the calls of a path are called.
fn ids(item: &PathItem) -> impl Iterator<Item = &str> {
    let calls = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
    calls
        .into_iter()
        .flatten()
        .filter_map(|call| call.operation_id.as_deref())
}

/// Tapfiliate documents its paths with a last slash.
fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// The parameters of `target`, if that is about one of the things `below`: the thing itself, and what both paths have in common.
fn parameters(creator: &str, pointer: &str, below: &str, target: &str) -> Option<BTreeMap<String, Value>> {
    let rest = target.strip_prefix(below)?.strip_prefix("/{")?;
    let (own, _) = rest.split_once('}')?;
    let own = (own.to_owned(), format!("$response.body#{pointer}").into());
    let shared = names(below).filter(|name| names(creator).any(|known| known == *name));
    let shared = shared.map(|name| (name.to_owned(), format!("$request.path.{name}").into()));
    Some(shared.chain([own]).collect())
}

/// The names of a path's parameters.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_created_is_the_parameter_of_calls_about_it() {
        let of = |creator: &str, target: &str| {
            let (_, pointer, below) = CREATED.iter().find(|(known, ..)| *known == creator).unwrap();
            parameters(creator, pointer, below, target).map(|found| json!(found))
        };
        assert_eq!(
            of(
                "/1.6/affiliates/{id}/notes",
                "/1.6/affiliates/{id}/notes/{note_id}"
            ),
            Some(json!({"id": "$request.path.id", "note_id": "$response.body#/id"}))
        );
        assert_eq!(
            of("/1.6/customers", "/1.6/customers/{id}/meta-data/{key}"),
            Some(json!({"id": "$response.body#/id"}))
        );
        assert_eq!(of("/1.6/affiliates", "/1.6/affiliates/custom-fields"), None);
        assert_eq!(of("/1.6/customers", "/1.6/customers"), None);
    }
}
