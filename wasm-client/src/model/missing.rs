//! Posts that are referred to and not here: targets of reposts, quotes and answers.

use nostrp2p_protocol::{EventId, Filter, PublicKey};

use crate::{question, sorted_map::SortedMap};

/// Most posts that are asked for in one question.
const ASKED_AT_ONCE: usize = 100;
/// Most people who may have written one of them.
const MAX_AUTHORS: usize = 8;
/// Most posts that wait to be asked for; beyond it they are asked for when they are seen again.
const MAX_WANTED: usize = 1_000;
/// Most posts of which it is remembered that they were asked for; beyond it all may be asked for again.
const MAX_ASKED: usize = 5_000;

/// Posts that are not here, each asked for once a connection.
#[derive(Debug, Clone, Default)]
pub struct Missing {
    wanted: SortedMap<EventId, Vec<PublicKey>>,
    asked: SortedMap<EventId, Vec<PublicKey>>,
}

impl Missing {
    /// Notes a post that is not here, and who may have written it.
    pub fn want(&mut self, id: EventId, authors: impl IntoIterator<Item = PublicKey>) {
        if !self.asked.contains_key(&id) && !self.wanted.contains_key(&id) && self.wanted.len() < MAX_WANTED {
            self.wanted.insert(id, authors.into_iter().take(MAX_AUTHORS).collect());
        }
    }

    /// It is here now.
    pub fn found(&mut self, id: &EventId) {
        self.wanted.remove(id);
        self.asked.remove(id);
    }

    /// A new connection: what is still missing is asked for again.
    pub fn begin(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        for (id, authors) in asked.iter() {
            self.want(*id, authors.iter().copied());
        }
    }

    /// The next question, if there is one.
    pub fn question(&mut self) -> Option<Vec<Filter>> {
        if self.asked.len() > MAX_ASKED {
            self.asked.clear();
        }
        let (mut ids, mut authors) = (Vec::new(), Vec::new());
        while ids.len() < ASKED_AT_ONCE {
            let Some((id, by)) = self.wanted.pop_first() else { break };
            ids.push(id);
            authors.extend_from_slice(&by);
            self.asked.insert(id, by);
        }
        if ids.is_empty() {
            return None;
        }
        // Once by id alone, for whoever wrote it; once with the people whose nodes can be asked.
        let mut filters = vec![question::named(&ids, &[])];
        if !authors.is_empty() {
            filters.push(question::named(&ids, &authors));
        }
        Some(filters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_for_once_a_connection_with_those_who_may_have_written_it() {
        let (id, author) = (EventId::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let mut missing = Missing::default();
        missing.want(id, [author]);
        missing.want(id, []);
        let filters = missing.question().unwrap();
        assert_eq!((filters.len(), filters[1].authors.clone()), (2, Some([author].into())));
        missing.want(id, [author]);
        assert_eq!(missing.question(), None);
        missing.begin();
        assert!(missing.question().is_some());
        missing.found(&id);
        missing.begin();
        assert_eq!(missing.question(), None);
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let mut missing = Missing::default();
        for seed in 0..2_000u32 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&seed.to_be_bytes());
            missing.want(EventId::from_bytes(bytes), [PublicKey::from_bytes([3; 32]); 50]);
        }
        let mut asked = 0;
        while let Some(filters) = missing.question() {
            asked += filters[0].ids.as_ref().unwrap().len();
        }
        assert_eq!(asked, MAX_WANTED);
    }
}
