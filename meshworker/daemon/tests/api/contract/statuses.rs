//! Every status that the document has can be had, and every answer is what the document says.

use std::collections::BTreeSet;

use super::recipes::RECIPES;
use super::{Document, Operation, Scene, State};

#[tokio::test]
async fn every_documented_status_can_be_had_and_its_answer_is_what_the_document_says() {
    let mut scenes = Scenes::default();
    let document = Document::of(&scenes.in_state(State::Unseen).await.office).await;
    let operations = document.operations();
    assert!(operations.len() >= 18, "{}", operations.len());
    let mut wrong = Vec::new();
    for operation in &operations {
        wrong.extend(objections(operation, &mut scenes).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with an operation's answers to all recipes, and which of its statuses none of them leads to.
async fn objections(operation: &Operation, scenes: &mut Scenes) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut had = BTreeSet::new();
    for recipe in RECIPES {
        let Some(call) = (recipe.call)(operation) else {
            continue;
        };
        let reply = scenes.in_state(recipe.state).await.send(&call).await;
        let told = format!("{call} ({:?})", recipe.state);
        if let Err(why) = operation.judge(&reply) {
            wrong.push(format!("{told}: {why}: {}", reply.text));
        }
        if operation.secured && reply.status < 300 {
            // What was taken has changed the scene.
            scenes.clear(recipe.state);
        }
        had.insert(reply.status);
    }
    let statuses = operation.statuses().into_iter();
    for status in statuses.filter(|status| !had.contains(status)) {
        wrong.push(format!(
            "{operation}: {status} is documented, and no recipe leads to it, but to {had:?}"
        ));
    }
    wrong
}

/// The scenes that are open, each for all who need its state.
#[derive(Default)]
struct Scenes(Vec<(State, Scene)>);

impl Scenes {
    async fn in_state(&mut self, state: State) -> &Scene {
        if !self.0.iter().any(|(other, _)| *other == state) {
            self.0.push((state, Scene::open(state).await));
        }
        let mut open = self.0.iter();
        let (_, scene) = open.find(|(other, _)| *other == state).unwrap();
        scene.look_again();
        scene
    }

    /// Whoever needs this state next gets a new one.
    fn clear(&mut self, state: State) {
        self.0.retain(|(other, _)| *other != state);
    }
}
