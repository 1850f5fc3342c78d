//! The part of a long list that is drawn. One space of the same height stands for what was scrolled past, and what
//! lies further down is not drawn yet, so the page stays small.

use crate::model::TimelineKey;

/// How many posts a large screen shows: if there are fewer, more are asked for.
pub const PAGE_POSTS: usize = 30;
/// How many posts are drawn at first, a phone's screen full; the rest of a page follows frame by frame.
pub const FIRST_POSTS: usize = 8;
/// How many more are drawn each time the end comes near, at most once a frame: as few as there can be, because to
/// draw one takes a slow phone half of a frame, and what is drawn ahead lasts for a strong fling.
const MORE_POSTS: usize = 1;
/// Most posts that are drawn after somebody went back up: some screens above, one in sight, some below.
const MAX_DRAWN: usize = 72;

/// The part of a long list that is drawn.
#[derive(Debug, Clone)]
pub struct Window {
    /// The posts that were scrolled past, from the beginning on.
    above: Vec<Block>,
    /// How many posts are drawn.
    pub drawn: usize,
}

/// Posts that were scrolled past together.
#[derive(Debug, Clone)]
struct Block {
    /// The last one.
    end: TimelineKey,
    /// How many they were.
    count: usize,
    /// From the beginning of the list to the end of the block, in CSS pixels.
    below: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { above: Vec::new(), drawn: FIRST_POSTS }
    }
}

impl Window {
    /// Behind which post the drawn ones begin; none at the beginning.
    pub fn after(&self) -> Option<TimelineKey> {
        self.above.last().map(|block| block.end)
    }

    /// How many posts were scrolled past.
    pub fn passed(&self) -> usize {
        self.above.iter().map(|block| block.count).sum()
    }

    /// The height of what was scrolled past, in CSS pixels.
    pub fn above(&self) -> u32 {
        self.above.last().map_or(0, |block| block.below)
    }

    /// Draws some more.
    pub const fn grow(&mut self) {
        self.drawn += MORE_POSTS;
    }

    /// The first `count` drawn posts, up to `end`, are far above what is in sight; with them, `above` pixels are.
    pub fn pass(&mut self, end: TimelineKey, count: usize, above: u32) {
        if count < self.drawn {
            self.drawn -= count;
            self.above.push(Block { end, count, below: above });
        }
    }

    /// The reader comes back: draws what lies below this height again, and lets the lowest go instead.
    pub fn go_back(&mut self, to: u32) {
        while self.above() > to
            && let Some(block) = self.above.pop()
        {
            self.drawn = (self.drawn + block.count).min(MAX_DRAWN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::EventId;

    fn place(number: u64) -> TimelineKey {
        TimelineKey::new(1_000_000 - number, EventId::from_bytes([0; 32]))
    }

    /// A window that was scrolled past that many blocks of four posts, each post 100 pixels high.
    fn scrolled(blocks: u64) -> Window {
        let mut window = Window::default();
        for block in 1..=blocks {
            (0..4).for_each(|_| window.grow());
            window.pass(place(block * 4), 4, u32::try_from(block).unwrap() * 400);
        }
        window
    }

    #[test]
    fn what_is_drawn_stays_as_much_however_far_somebody_reads() {
        let window = scrolled(800);
        assert_eq!((window.drawn, window.above()), (FIRST_POSTS, 320_000));
        assert_eq!(window.after(), Some(place(3_200)));
    }

    #[test]
    fn going_back_a_little_draws_the_block_above_and_going_far_draws_what_lies_there() {
        let mut window = scrolled(100);
        window.go_back(39_700);
        assert_eq!((window.drawn, window.above()), (FIRST_POSTS + 4, 39_600));
        window.go_back(20_000);
        assert_eq!((window.drawn, window.above()), (MAX_DRAWN, 20_000));
        assert_eq!(window.after(), Some(place(200)));
        window.go_back(0);
        assert_eq!((window.drawn, window.above(), window.after()), (MAX_DRAWN, 0, None));
    }

    #[test]
    fn never_is_everything_passed() {
        let mut window = Window::default();
        window.pass(place(30), 30, 3_000);
        assert_eq!((window.drawn, window.above()), (FIRST_POSTS, 0));
    }
}
