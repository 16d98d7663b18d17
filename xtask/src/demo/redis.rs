//! Redis Cluster in the demo.

use anyhow::Result;
use meshworker_lab::Tools;
use meshworker_lab::images::{Image, Tested};

use super::driver::Driver;

/// Redis Cluster, on Debian's Redis.
pub struct Redis;

/// One client follows the redirections of all commands that it reads from its stdin.
fn client(commands: &str) -> [String; 3] {
    let pipe = format!("{commands} | redis-cli -c -h redis");
    ["sh".into(), "-c".into(), pipe]
}

fn lines(tools: &Tools<'_>, commands: &str) -> Result<Vec<String>> {
    let script = client(commands);
    let output = tools.exec(&script.each_ref().map(String::as_str))?;
    Ok(output.lines().map(|line| line.trim().to_owned()).collect())
}

impl Driver for Redis {
    fn files(&self) -> &'static [&'static str] {
        &["stack/redis.yml"]
    }

    fn environment(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("REDIS_IMAGE", Tested::Redis.reference()),
            ("MESHWORKER_IMAGE", Image::Meshworker.reference()),
            ("TOOLS_IMAGE", Image::Tools.reference()),
        ]
    }

    fn service(&self) -> &'static str {
        "redis"
    }

    fn write(&self, tools: &Tools<'_>, count: usize) -> Result<usize> {
        let commands = format!("for i in $(seq {count}); do echo SET record:$i value-of-$i; done");
        let answers = lines(tools, &commands)?;
        Ok(answers.iter().filter(|line| *line == "OK").count())
    }

    fn read(&self, tools: &Tools<'_>, count: usize) -> Result<usize> {
        let commands = format!("for i in $(seq {count}); do echo GET record:$i; done");
        let found: std::collections::HashSet<String> =
            lines(tools, &commands)?.into_iter().collect();
        let right = (1..=count).filter(|number| found.contains(&format!("value-of-{number}")));
        Ok(right.count())
    }

    fn query(&self) -> &'static str {
        "redis-cli -c -h redis cluster nodes"
    }
}
