//! What is asked for, and what comes of it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use hyper::Method;
use serde_json::json;
use tokio::time::{Duration, sleep};

use crate::http::{Asked, Reply};
use crate::membership::{Instance, Membership, Roll};
use crate::peers::{self, Answer, Word};
use crate::repository::{Entry, Repository};
use crate::server::{Server, locked};
use crate::status;

/// What a server gets that becomes a copy.
#[derive(serde::Serialize, serde::Deserialize)]
struct Clone {
    membership: Membership,
    entries: Vec<Entry>,
    seconds: f64,
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, asked: &Asked) -> Reply {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let get = asked.method == Method::GET;
    match path[..] {
        ["version"] if get => Reply::ok(json!(server.options.says_version).to_string()),
        ["hostname"] if get => Reply::ok("simulated"),
        ["repositories"] if get => Reply::ok(list(server)),
        ["sim", "word", name] => hear(server, name, &asked.body),
        ["sim", "clone", name] => become_copy(server, name, &asked.body),
        ["repositories", name] => whole(server, asked, name),
        ["repositories", name, "size"] if get => {
            with(server, name, |one| Ok(Reply::ok(one.size().to_string())))
        }
        ["repositories", name, "statements"] => statements(server, asked, name).await,
        ["repositories", name, "repl", "status"] if get => state(server, name),
        ["repositories", name, "repl", "createCluster"] => create(server, asked, name),
        ["repositories", name, "repl", "growCluster"] => grow(server, asked, name)
            .await
            .unwrap_or_else(|refused| refused),
        [
            "repositories",
            name,
            "repl",
            act @ ("remove" | "stop" | "start" | "controllingInstance"),
        ] => change(server, asked, name, act).await,
        ["repositories", _, "repl", "settings"] => {
            Reply::ok(json!({"durability": "min", "distributedTransactionTimeout": 10}).to_string())
        }
        _ => Reply::error(404, "no such service"),
    }
}

fn list(server: &Server) -> String {
    let names = server.repositories().keys().cloned().collect::<Vec<_>>();
    let all = names.iter().map(|name| {
        let uri = format!("http://simulated/repositories/{name}");
        json!({"id": name, "title": name, "uri": uri, "readable": true, "writable": true})
    });
    serde_json::Value::from_iter(all).to_string()
}

/// Does something with the repository of this name.
fn with(
    server: &Server,
    name: &str,
    act: impl FnOnce(&mut Repository) -> Result<Reply, Reply>,
) -> Reply {
    match server.repositories().get_mut(name) {
        Some(repository) => act(repository).unwrap_or_else(|refused| refused),
        None => missing(name),
    }
}

fn missing(name: &str) -> Reply {
    Reply::error(404, format!("There is no repository named {name}"))
}

fn failed(why: &io::Error) -> Reply {
    Reply::error(500, why.to_string())
}

fn fresh() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map(|now| now.as_nanos()).unwrap_or_default();
    format!("{now:x}-{:x}", std::process::id())
}

/// The repository itself: made, and thrown away.
fn whole(server: &Server, asked: &Asked, name: &str) -> Reply {
    let mut all = server.repositories();
    match asked.method {
        Method::PUT => {
            if all.contains_key(name) {
                return Reply::inappropriate(format!("{name} exists"));
            }
            match Repository::create(server.options.data.join(name), fresh()) {
                Ok(repository) => all.insert(name.to_owned(), repository),
                Err(why) => return failed(&why),
            };
            Reply::nothing()
        }
        Method::DELETE => {
            let Some(repository) = all.get(name) else {
                return missing(name);
            };
            if repository.membership.is_some() && !repository.is_removed() && !repository.broken {
                return Reply::inappropriate(format!("{name} is in a cluster: remove it first"));
            }
            match all.remove(name).map(Repository::delete) {
                Some(Err(why)) => failed(&why),
                _ => Reply::nothing(),
            }
        }
        _ => Reply::error(405, ""),
    }
}

async fn statements(server: &Arc<Server>, asked: &Asked, name: &str) -> Reply {
    if asked.method == Method::GET {
        return with(server, name, |one| {
            Ok(Reply::ok(
                one.statements().collect::<Vec<&str>>().join("\n"),
            ))
        });
    }
    let lines = asked
        .body
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    let written = with(server, name, |one| {
        if let Some(membership) = &one.membership {
            let stopped = membership
                .roll
                .get(&membership.me)
                .is_some_and(|me| me.stopped);
            if one.is_removed() || one.broken || membership.copying || stopped {
                return Err(Reply::inappropriate("it does not run"));
            }
        }
        let written = one.write(lines.into_iter());
        written.map_err(|why| failed(&why))?;
        Ok(Reply::nothing())
    });
    if written.status != 204 {
        return written;
    }
    match durable(server, asked, name).await {
        true => written,
        false => Reply::error(409, "COMMIT FAILED: not durable in time"),
    }
}

/// Waits until as many instances have what is here as were asked for.
async fn durable(server: &Arc<Server>, asked: &Asked, name: &str) -> bool {
    let begun = Instant::now();
    loop {
        let Some((need, words)) = undurable(server, asked, name) else {
            return true;
        };
        let mut have = 1;
        for (other, word) in words {
            have += usize::from(have < need && peers::speak(server, name, &other, word).await);
        }
        if have >= need {
            return true;
        }
        if begun.elapsed() > Duration::from_secs(5) {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// How many instances are to have it, and what the others are told; none where one is enough.
fn undurable(server: &Server, asked: &Asked, name: &str) -> Option<(usize, Vec<(Instance, Word)>)> {
    let all = server.repositories();
    let repository = all.get(name)?;
    let membership = repository.membership.as_ref()?;
    let count = membership.roll.instances.len();
    let need = match asked.durability.as_deref()? {
        "min" => 1,
        "max" => count,
        "quorum" => count / 2 + 1,
        number => number.parse().ok()?,
    };
    let others = membership
        .roll
        .instances
        .iter()
        .filter(|one| one.name != membership.me);
    let words = others.map(|other| {
        let word = Word {
            from: repository.id.clone(),
            to: other.repository.clone(),
            roll: membership.roll.clone(),
            have: repository.have().clone(),
            entries: Vec::new(),
        };
        (other.clone(), word)
    });
    (need > 1).then(|| (need, words.collect()))
}

fn state(server: &Server, name: &str) -> Reply {
    let told = locked(&server.behaviour).shape;
    let shape = told.unwrap_or(server.options.shape);
    with(server, name, |one| {
        let removed = one.is_removed();
        let Some(membership) = &one.membership else {
            return Err(Reply::inappropriate(format!("{name} is not in a cluster")));
        };
        if removed {
            return Err(Reply::inappropriate(format!(
                "{} was removed from its cluster",
                membership.me
            )));
        }
        let broken = one.broken;
        let copying = locked(&server.copying);
        Ok(Reply::ok(status::written(shape, membership, |other| {
            let me = other.name == membership.me;
            let copies = copying.get(&other.repository);
            match () {
                () if other.stopped => "stopped",
                () if me && broken => "failed",
                () if copies.is_some_and(|until| *until > Instant::now()) => "copying",
                () if me || server.hears(&other.repository) => "running",
                () => "unreachable",
            }
        })))
    })
}

fn create(server: &Server, asked: &Asked, name: &str) -> Reply {
    let made = (|| {
        let instance = own_instance(asked, String::new())?;
        let mut all = server.repositories();
        if !all.contains_key(name) {
            let made = Repository::create(server.options.data.join(name), fresh());
            all.insert(name.to_owned(), made.map_err(|why| failed(&why))?);
        }
        let repository = all.get_mut(name).ok_or_else(|| missing(name))?;
        if repository.membership.is_some() && !asked.query.is_yes("ifExists") {
            return Err(Reply::inappropriate(format!(
                "{name} is in a cluster already"
            )));
        }
        let instance = Instance {
            repository: repository.id.clone(),
            ..instance
        };
        repository.membership = Some(Membership {
            me: instance.name.clone(),
            roll: Roll {
                cluster: fresh(),
                version: 1,
                controlling: instance.name.clone(),
                instances: vec![instance],
                removed: Default::default(),
            },
            copying: false,
        });
        repository.keep().map_err(|why| failed(&why))?;
        Ok(Reply::nothing())
    })();
    made.unwrap_or_else(|refused| refused)
}

/// The instance that a request describes.
fn own_instance(asked: &Asked, repository: String) -> Result<Instance, Reply> {
    let query = &asked.query;
    let host = query.need("host")?;
    if host.starts_with("localhost") {
        return Err(Reply::invalid("host: others do not reach it there"));
    }
    Ok(Instance {
        name: query.need("instanceName")?.to_owned(),
        host: host.to_owned(),
        port: query
            .get("port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(10035),
        user: query.get("user").unwrap_or_default().to_owned(),
        password: query.get("password").unwrap_or_default().to_owned(),
        repository,
        stopped: false,
    })
}

async fn grow(server: &Arc<Server>, asked: &Asked, name: &str) -> Result<Reply, Reply> {
    let target = asked.query.need("name")?.to_owned();
    let mut instance = own_instance(asked, fresh())?;
    let time = server.copy_time();
    let clone = {
        let mut all = server.repositories();
        let repository = all.get_mut(name).ok_or_else(|| missing(name))?;
        let membership = controlling(repository)?;
        if membership.roll.get(&instance.name).is_some() {
            let name = &instance.name;
            return Err(Reply::invalid(format!("there is an instance named {name}")));
        }
        let is_there = |one: &Instance| (&one.host, one.port) == (&instance.host, instance.port);
        if membership.roll.instances.iter().any(is_there) {
            return Err(Reply::invalid("there is an instance at that address"));
        }
        let mut copying = locked(&server.copying);
        copying.retain(|_, until| *until > Instant::now());
        if server.options.one_copy_at_a_time && !copying.is_empty() {
            return Err(Reply::inappropriate("another instance is being added"));
        }
        instance.repository = format!("{}-{}", instance.repository, instance.name);
        copying.insert(instance.repository.clone(), Instant::now() + time);
        membership.roll.add(instance.clone());
        let membership = Membership {
            me: instance.name.clone(),
            copying: true,
            ..membership.clone()
        };
        repository.keep().map_err(|why| failed(&why))?;
        Clone {
            membership,
            entries: repository.since(&Default::default()),
            seconds: time.as_secs_f64(),
        }
    };
    let body = serde_json::to_string(&clone).unwrap_or_default();
    let login = (instance.user.clone(), instance.password.clone());
    let path = format!("/sim/clone/{target}");
    let (host, port) = (&instance.host, instance.port);
    let address = server.options.address_of(host);
    let reply = peers::send(&address, port, Method::POST, &path, &login, body).await;
    if reply.as_ref().is_none_or(|reply| reply.status != 204) {
        if let Some(repository) = server.repositories().get_mut(name) {
            if let Some(membership) = &mut repository.membership {
                membership.roll.remove(&instance.name);
            }
            repository.keep().map_err(|why| failed(&why))?;
        }
        locked(&server.copying).remove(&instance.repository);
        return Err(match reply {
            None => Reply::inappropriate(format!("nobody answers at {host}:{port}")),
            Some(reply) => Reply::inappropriate(format!("{host}:{port} says: {}", reply.body)),
        });
    }
    if server.options.grow_waits {
        sleep(time).await;
    }
    Ok(Reply::nothing())
}

/// A server becomes a copy.
fn become_copy(server: &Arc<Server>, name: &str, body: &str) -> Reply {
    let Ok(clone) = serde_json::from_str::<Clone>(body) else {
        return Reply::error(400, "MALFORMED DATA");
    };
    let me = clone.membership.roll.get(&clone.membership.me);
    let Some(id) = me.map(|me| me.repository.clone()) else {
        return Reply::error(400, "MALFORMED DATA");
    };
    let mut all = server.repositories();
    if all.contains_key(name) {
        return Reply::inappropriate(format!("{name} exists"));
    }
    let made = Repository::create(server.options.data.join(name), id.clone());
    let made = made.and_then(|mut repository| {
        repository.take(clone.entries)?;
        repository.membership = Some(clone.membership);
        repository.keep()?;
        Ok(repository)
    });
    match made {
        Ok(repository) => all.insert(name.to_owned(), repository),
        Err(why) => return failed(&why),
    };
    drop(all);
    let time = Duration::try_from_secs_f64(clone.seconds).unwrap_or_default();
    locked(&server.copying).insert(id.clone(), Instant::now() + time);
    let (server, name) = (Arc::clone(server), name.to_owned());
    tokio::spawn(async move {
        sleep(time).await;
        let mut all = server.repositories();
        let repository = all.get_mut(&name).filter(|repository| repository.id == id);
        if let Some(repository) = repository {
            if let Some(membership) = &mut repository.membership {
                membership.copying = false;
            }
            // What cannot be kept is copied anew, by whoever finds it broken.
            drop(repository.keep());
        }
    });
    Reply::nothing()
}

/// The place of a repository that controls its cluster.
fn controlling(repository: &mut Repository) -> Result<&mut Membership, Reply> {
    let removed = repository.is_removed();
    match &mut repository.membership {
        Some(membership) if membership.controls() && !removed => Ok(membership),
        Some(_) => Err(Reply::inappropriate("it is not the controlling instance")),
        None => Err(Reply::inappropriate("it is in no cluster")),
    }
}

async fn change(server: &Arc<Server>, asked: &Asked, name: &str, act: &str) -> Reply {
    let changed = changed(server, asked, name, act);
    let (reply, told) = match changed {
        Ok(told) => (Reply::nothing(), told),
        Err(refused) => (refused, Vec::new()),
    };
    // Whoever was taken out learns of it at once, if it is there.
    for (other, word) in told {
        peers::speak(server, name, &other, word).await;
    }
    reply
}

/// Does it; who is to be told at once.
fn changed(
    server: &Server,
    asked: &Asked,
    name: &str,
    act: &str,
) -> Result<Vec<(Instance, Word)>, Reply> {
    let target = asked.query.need("instanceName")?;
    let mut all = server.repositories();
    let repository = all.get_mut(name).ok_or_else(|| missing(name))?;
    let (id, have) = (repository.id.clone(), repository.have().clone());
    let takes_over = act == "controllingInstance";
    let membership = match takes_over {
        false => controlling(repository)?,
        true => {
            (repository.membership.as_mut()).ok_or_else(|| Reply::inappropriate("no cluster"))?
        }
    };
    let roll = &mut membership.roll;
    let unknown = || Reply::invalid(format!("there is no instance named {target}"));
    let meant = roll.get(target).ok_or_else(unknown)?.clone();
    match act {
        "remove" if target == roll.controlling => {
            return Err(Reply::inappropriate(
                "the controlling instance cannot be removed",
            ));
        }
        "remove" => {
            roll.remove(target);
        }
        "controllingInstance" => {
            let before = roll.get(&roll.controlling);
            let there = before.is_some_and(|one| server.hears(&one.repository));
            if membership.me != roll.controlling && there {
                return Err(Reply::inappropriate("ask the controlling instance"));
            }
            roll.controlling = target.to_owned();
            // Whoever controlled before and comes back has been outvoted.
            roll.version += 1000;
        }
        _ => {
            let instances = roll.instances.iter_mut();
            for instance in instances.filter(|one| one.name == target) {
                instance.stopped = act == "stop";
            }
            roll.version += 1;
        }
    }
    let word = Word {
        from: id,
        to: meant.repository.clone(),
        roll: roll.clone(),
        have,
        entries: Vec::new(),
    };
    let me = membership.me == meant.name;
    repository.keep().map_err(|why| failed(&why))?;
    Ok(if me { Vec::new() } else { vec![(meant, word)] })
}

/// Another instance speaks.
fn hear(server: &Server, name: &str, body: &str) -> Reply {
    let Ok(word) = serde_json::from_str::<Word>(body) else {
        return Reply::error(400, "MALFORMED DATA");
    };
    with(server, name, |one| {
        // Whoever is taken for another one, or whose copy was never whole, is nobody.
        if one.id != word.to || one.broken {
            return Err(Reply::inappropriate("it is another one"));
        }
        let Some(own) = one.membership.as_ref().map(|own| own.roll.clone()) else {
            return Err(Reply::inappropriate("it is in no cluster"));
        };
        let answer = |one: &Repository, roll: Roll| {
            let answer = Answer {
                roll,
                have: one.have().clone(),
                entries: Vec::new(),
            };
            Reply::ok(serde_json::to_string(&answer).unwrap_or_default())
        };
        // One that was taken out learns that, and nothing else, and teaches nothing.
        if own.cluster != word.roll.cluster || own.removed.contains(&word.from) {
            return Ok(answer(one, own));
        }
        let kept = peers::heed(one, &word.roll);
        let taken = one.take(word.entries);
        kept.and(taken).map_err(|why| failed(&why))?;
        server.hear(&word.from);
        let roll = one.membership.as_ref().map_or(own, |own| own.roll.clone());
        let answer = Answer {
            roll,
            have: one.have().clone(),
            entries: one.since(&word.have),
        };
        Ok(Reply::ok(
            serde_json::to_string(&answer).unwrap_or_default(),
        ))
    })
}
