//! One look at the cluster, taken with `meshworker look` in the tools container.

use anyhow::Result;
use meshworker_lab::{Task, Tools};

/// What `meshworker look` printed: a heading, a line for each member, and remarks.
pub struct Look {
    /// Whether it says that the members are one cluster.
    one: bool,
    heading: String,
    members: Vec<String>,
    remark: String,
    /// The first member that still moves data, and what it moves.
    busy: Option<String>,
}

impl Look {
    /// Looks now.
    pub fn take(tools: &Tools<'_>) -> Result<Self> {
        let output = tools.ask(&["meshworker", "look"])?;
        Ok(Self::parse(output.success, &output.stdout, &output.stderr))
    }

    fn parse(one: bool, stdout: &str, stderr: &str) -> Self {
        let mut lines = stdout.lines().map(str::to_owned);
        let heading = lines.next().unwrap_or_default();
        let (members, remarks): (Vec<_>, Vec<_>) = lines.partition(|line| address(line).is_some());
        let busy = remarks
            .iter()
            .find(|line| line.starts_with("busy: "))
            .cloned();
        let remark = remarks.into_iter().next();
        Self {
            one,
            busy,
            heading,
            members,
            remark: remark.unwrap_or_else(|| stderr.to_owned()),
        }
    }

    /// Whether it shows one cluster of so many members, and none of them still moves data.
    pub fn is_one_of(&self, members: usize) -> bool {
        self.one && self.busy.is_none() && self.members.len() == members
    }

    /// One line that says how far it is.
    pub fn progress(&self) -> String {
        let remark = self.busy.as_ref().filter(|_| self.one);
        format!(
            "{} members: {}",
            self.members.len(),
            remark.unwrap_or(&self.remark)
        )
    }

    /// The table, with each member's slot and node in front.
    pub fn print(&self, tasks: &[Task]) {
        println!("  {:<5} {}", "SLOT", self.heading);
        for line in &self.members {
            let slot = address(line).and_then(|address| {
                tasks
                    .iter()
                    .find(|task| task.addresses.contains(&address))
                    .map(|task| task.slot.to_string())
            });
            println!("  {:<5} {line}", slot.unwrap_or_else(|| "-".into()));
        }
        println!("  {}", self.remark);
    }
}

/// The address in the line of a member: in its second column.
fn address(line: &str) -> Option<std::net::Ipv4Addr> {
    let column = line.split_whitespace().nth(1)?;
    column.split(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_remarks_are_told_apart() {
        let text = "MEMBER  ADDRESS  STANDING\n\
                    db.1    10.0.1.2:6379 wanted 2 a\n\
                    db.2    10.0.1.3:6379 wanted 2 b\n\
                    one cluster of 2 members";
        let look = Look::parse(true, text, "");
        assert!(look.is_one_of(2) && !look.is_one_of(3));
        assert_eq!(look.progress(), "2 members: one cluster of 2 members");
        let busy = Look::parse(true, &format!("{text}\nbusy: a: 12 slots to move"), "");
        assert!(!busy.is_one_of(2));
        assert_eq!(busy.progress(), "2 members: busy: a: 12 slots to move");
    }
}
