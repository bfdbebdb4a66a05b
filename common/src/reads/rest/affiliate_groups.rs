//! Groups of affiliates, and how many are in each.

use super::{list::ListSql, page::Page};
use crate::{
    db::{Connection, DbError, conditions::Conditions},
    domain::{OrgId, ProgramId},
};

#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct GroupView {
    pub group_id: String,
    pub title: String,
    pub affiliate_count: i64,
}

/// For a key that is bound to a program only those count who take part in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupFilter {
    pub scope: Option<ProgramId>,
}

const LIST: ListSql = ListSql {
    operation: "affiliate_groups.list",
    from: "affiliate_groups g",
    alias: "g",
    key: "g.number",
    order: "g.number DESC",
    columns: "g.group_id, g.title,
              (SELECT count(*) FROM affiliates a
                WHERE a.org_id = $1 AND a.deleted_at IS NULL AND group_at(a, now()) = g.group_id
                    AND (a.group_id = g.group_id OR a.affiliate_id IN (
                        SELECT m.affiliate_id FROM group_memberships m WHERE m.org_id = $1 AND m.valid_from > now()))) AS affiliate_count",
    joins: "JOIN affiliate_groups g ON g.org_id = $1 AND g.number = found.number",
};

const LIST_OF_PROGRAM: ListSql = ListSql {
    columns: "g.group_id, g.title,
              (SELECT count(*) FROM affiliates a
                 JOIN affiliations f ON f.org_id = $1 AND f.affiliate_id = a.affiliate_id AND f.program_id = $2
                WHERE a.org_id = $1 AND a.deleted_at IS NULL AND group_at(a, now()) = g.group_id
                    AND (a.group_id = g.group_id OR a.affiliate_id IN (
                        SELECT m.affiliate_id FROM group_memberships m WHERE m.org_id = $1 AND m.valid_from > now()))) AS affiliate_count",
    ..LIST
};

impl GroupFilter {
    /// The list, and its conditions.
    fn list(self, org: OrgId) -> (ListSql, Conditions) {
        let conditions = Conditions::of_org("g.org_id", org);
        match self.scope {
            None => (LIST, conditions),
            Some(program) => (
                LIST_OF_PROGRAM,
                conditions.given("{}::bigint IS NOT NULL", Some(program.0)),
            ),
        }
    }
}

/// Page `number` (the first is 1) of the groups of `org`.
pub async fn list(
    conn: &mut Connection,
    org: OrgId,
    filter: GroupFilter,
    number: u32,
) -> Result<Page<GroupView>, DbError> {
    let (list, conditions) = filter.list(org);
    list.page(conn, &conditions, number).await
}

/// The group of that id.
pub async fn find(
    conn: &mut Connection,
    org: OrgId,
    filter: GroupFilter,
    group: &str,
) -> Result<Option<GroupView>, DbError> {
    let (list, conditions) = filter.list(org);
    list.row(conn, &conditions.equals("g.group_id", Some(group)))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Pool, fixture};

    #[sqlx::test(migrator = "crate::db::MIGRATOR")]
    async fn groups_are_counted_within_the_tenant_and_the_program(pool: Pool) {
        let mut conn = fixture::world(&pool).await;
        sqlx::raw_sql(
            "INSERT INTO affiliate_groups (org_id, group_id, title) VALUES (1, 'g', 'Gold'), (1, 's', 'Silver'), (2, 'g', 'G');
             UPDATE affiliates SET group_id = 'g' WHERE slug IN ('jane', 'peter')",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        for (org, scope, want) in [
            (1, None, [("s", 0), ("g", 2)].as_slice()),
            (1, Some(1), &[("s", 0), ("g", 1)]),
            (2, None, &[("g", 0)]),
        ] {
            let filter = GroupFilter {
                scope: scope.map(ProgramId),
            };
            let page = list(&mut conn, OrgId(org), filter, 1).await.unwrap();
            let found = page
                .rows
                .iter()
                .map(|group| (group.group_id.as_str(), group.affiliate_count));
            assert_eq!(found.collect::<Vec<_>>(), want, "{org} {scope:?}");
        }
        let silver = find(&mut conn, OrgId(2), GroupFilter::default(), "s").await;
        assert_eq!(silver.unwrap(), None);
    }
}
