//! One look at one node: all its questions in one round trip, and fewer while
//! nothing has changed.

use std::collections::HashMap;

use meshworker_core::{Answer, Place, Unanswered};

use super::detail::Detail;
use super::info::{self, Value};
use super::namespaces::{self, Contents};
use super::rest::{self, Kept};
use super::view::{self, QUESTIONS, Read};
use super::{Aerospike, garbage};

impl Aerospike {
    /// The view of this node, kept from an earlier look when nothing has changed
    /// there since. None when it has, or when it is time to look again.
    pub(super) async fn unchanged(&self, node: Place) -> Option<Answer<Detail>> {
        let kept = self.rest.kept(node)?;
        let asked = self
            .client
            .ask(node, &rest::QUESTIONS, self.client.deadline());
        let body = match asked.await {
            Ok(body) => body,
            Err(why) => return Some(Err(why)),
        };
        let answers = match info::values(&body, &rest::QUESTIONS) {
            Ok(answers) => answers,
            Err(why) => return Some(Err(garbage(why))),
        };
        let view = kept.confirmed(&answers);
        if view.is_none() {
            self.rest.forget(node);
        }
        view.map(Ok)
    }

    /// Asks the node for everything.
    pub(super) async fn look(&self, node: Place) -> Answer<Detail> {
        let deadline = self.client.deadline();
        let known = self.known.all();
        let dialect = self.dialects.of(node);
        let mut questions = view::questions(self.access.tls.is_some(), dialect);
        let first = questions.len();
        questions.push(rest::GENERATION.to_owned());
        questions.extend(known.iter().map(|name| namespaces::question(name)));
        let body = self.client.ask(node, &questions, deadline).await?;
        let answers = info::values(&body, &questions).map_err(garbage)?;
        let (answers, about) = answers.split_at(first);
        let (generation, about) = about.split_at(1);
        let generation = generation.first().copied();

        // What an older server does not know, and which namespaces are news,
        // takes a second round trip, once.
        let names = answers.last().and_then(|last| namespaces::names(*last));
        let news = names.iter().flatten();
        let news: Vec<&str> = news
            .filter(|name| !known.contains(name))
            .map(String::as_str)
            .collect();
        let mut second = dialect.instead(answers);
        let instead = second.len();
        second.extend(news.iter().map(|name| namespaces::question(name)));
        let body = if second.is_empty() {
            Vec::new()
        } else {
            self.client.ask(node, &second, deadline).await?
        };
        let more = info::values(&body, &second).map_err(garbage)?;
        let (instead, more) = more.split_at(instead);

        let answers: [Value<'_>; QUESTIONS] = dialect.complete(answers, instead);
        let Read {
            mut view,
            migration,
            namespaces,
        } = view::read(node, &answers, &self.lists)?;
        self.dialects
            .learn(node, dialect, &answers, &view.detail.build);
        let Some(names) = namespaces else {
            view.working = migration.working(None);
            return Ok(view);
        };
        let mut said: HashMap<&str, Value<'_>> = known
            .iter()
            .map(String::as_str)
            .zip(about.iter().copied())
            .collect();
        said.extend(news.iter().copied().zip(more.iter().copied()));
        let own = names
            .iter()
            .filter_map(|name| Some((name.as_str(), *said.get(name.as_str())?)));
        let contents = Contents::read(own).map_err(Unanswered::Garbage)?;
        self.known.learn(&names);

        view.working = migration.working(Some(&contents));
        view.holdings = contents.holdings();
        view.detail.to_send = (!contents.unsaid).then_some(contents.send);
        view.detail.namespaces = Some(self.lists.namespaces(contents.namespaces)?);
        let kept = Kept::of(generation, &view, &self.lists);
        self.rest.keep(node, kept);
        Ok(view)
    }
}
