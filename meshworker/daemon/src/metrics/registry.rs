//! Every family there is.

use super::{Family, Kind};
use crate::board::{JOIN_SECONDS, PASS_SECONDS};

/// Writes each family as a constant, and all of them as [`ALL`].
macro_rules! families {
    ($($constant:ident: $kind:expr, $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Family = Family {
                name: concat!("meshworker_", $name),
                kind: $kind,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// Every family, in the order in which they are shown.
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD_INFO: Kind::Gauge, "build_info" ["version"]
        "Always 1; the label is the worker's version.";
    CLUSTERS: Kind::Gauge, "clusters" []
        "Clusters that this worker looks after.";
    UNPROVED: Kind::Counter, "unproved_connections_total" []
        "Connections to the members' port of those who did not prove that they know the token.";
    CERTIFICATE_ENDS: Kind::Gauge, "api_certificate_expiry_timestamp_seconds" []
        "When the certificate of the operators' port, or one of its chain, is no longer valid; only where there is one.";
    GROUP_ACTS: Kind::Gauge, "group_acts" []
        "1 when this worker is the one that acts, as one that works alone always is, else 0.";
    GROUP_TERM: Kind::Gauge, "group_term" []
        "The term of the workers' group, counted up at each election; 0 in none.";
    GROUP_COMMITTED: Kind::Gauge, "group_committed" []
        "Entries of the group's log that this worker has applied.";
    GROUP_TAKEOVERS: Kind::Counter, "group_takeovers_total" []
        "How often this worker became the one that acts.";
    GROUP_MEMBERS: Kind::Gauge, "group_members" ["part", "answers"]
        "Workers as this one sees them, by part (leader, voter, learner, outside) and whether it has heard them a moment ago (yes, no).";
    GROUP_OTHER: Kind::Gauge, "group_other_in_sight" []
        "1 while another group of workers is in sight, else 0.";
    GROUP_UNKEPT: Kind::Gauge, "group_unkept" []
        "1 while what this worker knows ends with it, because its folder cannot be written, else 0.";
    GROUP_UNSOUND: Kind::Gauge, "group_unsound" []
        "1 while this worker neither votes nor acts, because its store is a copy or of before, else 0.";
    GROUP_OPEN: Kind::Gauge, "group_open_intents" []
        "Dangerous acts that were announced, and nobody has said what became of them.";
    GROUP_BEHIND: Kind::Gauge, "group_behind" []
        "Entries of the log that the worker furthest behind lacks, as the one that leads knows; 0 elsewhere.";
    CLUSTER_INFO: Kind::Gauge, "cluster_info" ["cluster", "engine"]
        "Always 1; the label is the cluster's database.";
    INTERVAL: Kind::Gauge, "interval_seconds" ["cluster"]
        "The longest pause between two passes when nothing is open.";

    CLUSTER_ONE: Kind::Gauge, "cluster_one" ["cluster"]
        "1 when the wanted members are one cluster by their own word, else 0.";
    CLUSTER_SETTLED: Kind::Gauge, "cluster_settled" ["cluster"]
        "1 when the cluster is at rest with all data in its place, else 0.";
    LOSSES: Kind::Gauge, "losses" ["cluster"]
        "Losses of data of which no operator has said that he knows.";
    MEMBERS: Kind::Gauge, "members" ["cluster", "state"]
        "Members by what they are doing: joined, joining, silent, waiting, spare, leaving, released, refused, unknown.";
    ROLES: Kind::Gauge, "member_roles" ["cluster", "role"]
        "Members that answer by the role that their database has for them: master, replica; no series where all are alike.";
    JOIN_DURATION: Kind::Histogram(JOIN_SECONDS), "join_duration_seconds" ["cluster"]
        "From the pass that first saw a member wanted to the pass that saw it joined; those that were in when they were first seen do not count.";

    PASSES: Kind::Counter, "passes_total" ["cluster"]
        "Passes that are over.";
    PASS_DURATION: Kind::Histogram(PASS_SECONDS), "pass_duration_seconds" ["cluster"]
        "How long passes took, from the first question to the last step's reply.";
    LAST_PASS: Kind::Gauge, "last_pass_timestamp_seconds" ["cluster"]
        "When the last pass was over, by the worker's clock.";
    VIEWS: Kind::Counter, "views_total" ["cluster", "outcome"]
        "Members that were asked for their view, by outcome: answered, unanswered.";

    WITNESS_ANSWERS: Kind::Counter, "witness_answers_total" ["cluster", "witness", "grade"]
        "Answers of each witness by grade: answer, empty, nxdomain, servfail, refused, timeout, truncated, failed.";
    SIGHTINGS: Kind::Gauge, "sightings" ["cluster", "witness", "grade"]
        "Members that each witness named in the last pass; the one series per witness has the grade of that answer.";
    ANNOUNCEMENTS_REFUSED: Kind::Counter, "announcements_refused_total" ["cluster"]
        "Announcements that were not heard: whoever sent them may not speak for that member.";
    DESIRED_MEMBERS: Kind::Gauge, "desired_members" ["cluster", "witness"]
        "Replicas that the service is meant to have, where a witness knows it.";
    DNS_STALE: Kind::Gauge, "dns_stale_members" ["cluster"]
        "Addresses that DNS lists and a complete task list does not; only where both are witnesses.";
    DNS_MISSING: Kind::Gauge, "dns_missing_members" ["cluster"]
        "Addresses that the task list wants and a complete answer of DNS does not list; only where both are witnesses.";

    STEPS: Kind::Counter, "steps_total" ["cluster", "kind", "outcome"]
        "Requests that were made, by kind (join, arrange, leave, forget) and outcome (ok, failed).";
    PLANNED_STEPS: Kind::Gauge, "planned_steps" ["cluster", "kind"]
        "Requests that the last pass planned; in a dry run those that it would have made.";
    REFUSALS: Kind::Gauge, "refusals" ["cluster", "kind"]
        "What the last pass did not do, by kind of reason.";
    REFUSALS_TOTAL: Kind::Counter, "refusals_total" ["cluster", "kind"]
        "Refusals that came to stand, each counted once for as long as it stands; waiting for a step's effect is none.";

    LEAVERS: Kind::Gauge, "leavers" ["cluster", "release"]
        "Members on their way out, by whether they may stop: held, granted.";
    LEAVE_LEFT: Kind::Gauge, "leave_left" ["cluster", "unit"]
        "What all leavers together have left to hand over, by what is counted.";
    LEAVE_MOVED: Kind::Gauge, "leave_queue_moved_timestamp_seconds" ["cluster"]
        "When the leave queue last changed or was empty, by the worker's clock.";

    CLUSTER_HELD: Kind::Gauge, "cluster_held" ["cluster"]
        "1 while an operator holds the cluster, else 0.";
    HELD_MEMBERS: Kind::Gauge, "held_members" ["cluster"]
        "Members that an operator holds.";
    FORGET_ORDERS: Kind::Gauge, "forget_orders" ["cluster"]
        "Members that an operator has told to be gone for good.";
    DRY_RUN: Kind::Gauge, "dry_run" ["cluster"]
        "1 when the worker plans and does nothing, else 0.";
    REMOVALS_ENABLED: Kind::Gauge, "removals_enabled" ["cluster"]
        "1 when the worker may make the cluster forget members, else 0.";
    EVENTS: Kind::Counter, "events_total" ["cluster", "kind", "severity"]
        "Facts that were told, by kind and severity (info, warning).";
}
