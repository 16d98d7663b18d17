//! The API's answers, as bytes.

use meshworker_engines::outside::{Words, parts};

use super::model::event;
use super::{KubernetesError, PodList, Pods, StatefulSet};

/// What the answers to the questions for a StatefulSet and its pods say.
pub(crate) fn lists(bytes: &[u8]) -> Words {
    let mut answers = parts(bytes);
    let set = answers.next().unwrap_or_default();
    let set: Result<StatefulSet, _> = serde_json::from_slice(set);
    let mut words = match set {
        Ok(set) => vec![set.replicas().to_string(), set.spec.selector.query()],
        Err(why) => vec![KubernetesError::odd(&why).to_string()],
    };
    let pods: Result<PodList, _> = serde_json::from_slice(answers.next().unwrap_or_default());
    match pods {
        Ok(list) => {
            let mut pods = Pods::of("db");
            list.items.into_iter().for_each(|pod| pods.note(pod));
            words.extend(told(&pods));
        }
        Err(why) => words.push(KubernetesError::odd(&why).to_string()),
    }
    words
}

/// What the lines of a watch say.
pub(crate) fn watch(bytes: &[u8]) -> Words {
    let mut pods = Pods::of("db");
    let mut words = Words::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        match event(line) {
            Ok(event) => pods.heed(event),
            Err(why) => words.push(KubernetesError::odd(&why).to_string()),
        }
    }
    words.extend(told(&pods));
    words
}

/// What an API that says no is told of.
pub(crate) fn refusal(bytes: &[u8]) -> Words {
    vec![KubernetesError::refused(500, bytes).to_string()]
}

fn told(pods: &Pods) -> Words {
    let each = pods.iter();
    let each = each.flat_map(|(_, pod)| {
        let node = pod.node.clone();
        [pod.name.clone(), pod.uid.clone()].into_iter().chain(node)
    });
    each.collect()
}
