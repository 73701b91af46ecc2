//! Sets of requests as unions of cubes, and their differences.
//!
//! A cube is a product: a set of values for each coordinate. Each set is a row of
//! bits, and all rows of a cube lie in one piece of memory.

use std::cell::Cell;

/// How many values each coordinate has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// First word of each coordinate's row, and the end.
    offsets: Vec<usize>,
    sizes: Vec<usize>,
    /// How many words of cubes have been compared.
    compared: Cell<usize>,
}

/// A product of sets, one a coordinate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cube(Vec<u64>);

/// More cubes than are worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// The most cubes a difference may have on the way.
const MOST_CUBES: usize = 20_000;
/// The most words of cubes that are compared in one space: a bound on time.
const MOST_WORDS: usize = 400_000_000;

impl Shape {
    /// Coordinates with these many values each.
    #[must_use]
    pub fn of(sizes: Vec<usize>) -> Self {
        let mut offsets = vec![0];
        for size in &sizes {
            offsets.push(offsets[offsets.len() - 1] + size.div_ceil(64));
        }
        Self {
            offsets,
            sizes,
            compared: Cell::new(0),
        }
    }

    /// The number of coordinates.
    #[must_use]
    pub fn width(&self) -> usize {
        self.sizes.len()
    }

    /// The cube of everything.
    #[must_use]
    pub fn full(&self) -> Cube {
        let mut cube = Cube(vec![0; self.offsets[self.width()]]);
        for coordinate in 0..self.width() {
            self.keep(&mut cube, coordinate, |_| true);
        }
        cube
    }

    /// Sets a coordinate's row to the values that pass.
    pub fn keep(&self, cube: &mut Cube, coordinate: usize, passes: impl Fn(usize) -> bool) {
        let row = &mut cube.0[self.offsets[coordinate]..self.offsets[coordinate + 1]];
        row.fill(0);
        for value in (0..self.sizes[coordinate]).filter(|it| passes(*it)) {
            row[value / 64] |= 1 << (value % 64);
        }
    }

    fn row<'a>(&self, cube: &'a Cube, coordinate: usize) -> &'a [u64] {
        &cube.0[self.offsets[coordinate]..self.offsets[coordinate + 1]]
    }

    /// The values of a coordinate.
    #[must_use]
    pub fn values(&self, cube: &Cube, coordinate: usize) -> Vec<usize> {
        let row = self.row(cube, coordinate);
        (0..self.sizes[coordinate])
            .filter(|it| row[it / 64] >> (it % 64) & 1 == 1)
            .collect()
    }

    /// Whether a cube holds nothing: one of its sets is empty.
    #[must_use]
    pub fn is_void(&self, cube: &Cube) -> bool {
        (0..self.width()).any(|it| self.row(cube, it).iter().all(|word| *word == 0))
    }

    /// What two cubes have in common.
    #[must_use]
    pub fn meet(&self, a: &Cube, b: &Cube) -> Option<Cube> {
        // Most pairs have nothing in common in one coordinate, and are told apart without a copy.
        for coordinate in 0..self.width() {
            let (one, other) = (self.row(a, coordinate), self.row(b, coordinate));
            self.compared.set(self.compared.get() + one.len());
            if one.iter().zip(other).all(|(one, other)| one & other == 0) {
                return None;
            }
        }
        let met = Cube(a.0.iter().zip(&b.0).map(|(a, b)| a & b).collect());
        Some(met)
    }

    /// What a cube has beyond another, as cubes that do not meet.
    fn subtract(&self, cube: &Cube, other: &Cube, into: &mut Vec<Cube>) {
        let Some(met) = self.meet(cube, other) else {
            into.push(cube.clone());
            return;
        };
        // Coordinates before the one at hand are already within the other.
        let mut rest = cube.clone();
        for coordinate in 0..self.width() {
            let span = self.offsets[coordinate]..self.offsets[coordinate + 1];
            let outside: Vec<u64> = rest.0[span.clone()]
                .iter()
                .zip(&met.0[span.clone()])
                .map(|(own, common)| own & !common)
                .collect();
            if outside.iter().any(|it| *it != 0) {
                let mut piece = rest.clone();
                piece.0[span.clone()].copy_from_slice(&outside);
                into.push(piece);
            }
            rest.0[span.clone()].copy_from_slice(&met.0[span]);
        }
    }

    /// What some cubes have beyond others.
    pub fn beyond(&self, cubes: &[Cube], others: &[Cube]) -> Result<Vec<Cube>, TooMany> {
        let mut left = cubes.to_vec();
        for other in others {
            let mut next = Vec::with_capacity(left.len());
            for cube in &left {
                self.subtract(cube, other, &mut next);
                if next.len() > MOST_CUBES || self.compared.get() > MOST_WORDS {
                    return Err(TooMany);
                }
            }
            left = next;
            if left.is_empty() {
                break;
            }
        }
        Ok(left)
    }

    /// What some cubes have in common with others.
    pub fn common(&self, cubes: &[Cube], others: &[Cube]) -> Result<Vec<Cube>, TooMany> {
        let mut found = Vec::new();
        for cube in cubes {
            found.extend(others.iter().filter_map(|it| self.meet(cube, it)));
            if found.len() > MOST_CUBES || self.compared.get() > MOST_WORDS {
                return Err(TooMany);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZES: [usize; 3] = [3, 2, 4];

    fn cube_of(shape: &Shape, masks: [u8; 3]) -> Cube {
        let mut cube = shape.full();
        for (coordinate, mask) in masks.into_iter().enumerate() {
            shape.keep(&mut cube, coordinate, |it| mask >> it & 1 == 1);
        }
        cube
    }

    fn holds(shape: &Shape, cubes: &[Cube], point: [usize; 3]) -> bool {
        cubes
            .iter()
            .any(|cube| (0..3).all(|it| shape.values(cube, it).contains(&point[it])))
    }

    proptest! {
        #[test]
        fn a_difference_has_exactly_the_points_of_the_one_and_not_the_other(
            a in proptest::collection::vec(any::<[u8; 3]>(), 0..4),
            b in proptest::collection::vec(any::<[u8; 3]>(), 0..4),
        ) {
            let shape = Shape::of(SIZES.to_vec());
            let cubes = |masks: Vec<[u8; 3]>| -> Vec<Cube> {
                let all = masks.into_iter().map(|it| cube_of(&shape, it));
                all.filter(|it| !shape.is_void(it)).collect()
            };
            let (a, b) = (cubes(a), cubes(b));
            let beyond = shape.beyond(&a, &b).expect("few cubes");
            let common = shape.common(&a, &b).expect("few");
            for x in 0..SIZES[0] {
                for y in 0..SIZES[1] {
                    for z in 0..SIZES[2] {
                        let point = [x, y, z];
                        let (in_a, in_b) = (holds(&shape, &a, point), holds(&shape, &b, point));
                        prop_assert_eq!(holds(&shape, &beyond, point), in_a && !in_b);
                        prop_assert_eq!(holds(&shape, &common, point), in_a && in_b);
                    }
                }
            }
        }
    }

    #[test]
    fn rows_longer_than_a_word_are_whole() {
        let shape = Shape::of(vec![130, 1]);
        let mut cube = shape.full();
        assert_eq!(shape.values(&cube, 0).len(), 130);
        shape.keep(&mut cube, 0, |it| it == 129);
        let left = shape.beyond(&[shape.full()], &[cube]).expect("few cubes");
        assert_eq!(left.len(), 1);
        assert_eq!(shape.values(&left[0], 0).len(), 129);
    }

    #[test]
    fn a_difference_of_too_many_pieces_is_given_up() {
        let shape = Shape::of(vec![2]);
        let [one, other] = [0, 1].map(|value| {
            let mut cube = shape.full();
            shape.keep(&mut cube, 0, |it| it == value);
            cube
        });
        let pieces = |count: usize| {
            let cubes = vec![one.clone(); count];
            shape.beyond(&cubes, std::slice::from_ref(&other))
        };
        assert_eq!(pieces(MOST_CUBES).map(|it| it.len()), Ok(MOST_CUBES));
        assert_eq!(pieces(MOST_CUBES + 1), Err(TooMany));
    }

    #[test]
    fn what_one_cube_has_beyond_another_is_cut_along_each_coordinate() {
        let shape = Shape::of(vec![2, 3]);
        assert_eq!(shape.width(), 2);
        let mut corner = shape.full();
        shape.keep(&mut corner, 0, |it| it == 1);
        shape.keep(&mut corner, 1, |it| it == 2);
        let values = |cube: &Cube| (shape.values(cube, 0), shape.values(cube, 1));
        let left = shape.beyond(&[shape.full()], &[corner.clone()]);
        let left: Vec<_> = left.expect("few cubes").iter().map(values).collect();
        assert_eq!(left, [(vec![0], vec![0, 1, 2]), (vec![1], vec![0, 1])]);
        assert_eq!(
            shape.beyond(&[corner.clone()], &[shape.full()]),
            Ok(Vec::new())
        );
        assert_eq!(shape.meet(&shape.full(), &corner), Some(corner.clone()));
        let mut void = corner;
        shape.keep(&mut void, 1, |_| false);
        assert!(shape.is_void(&void) && !shape.is_void(&shape.full()));
        assert_eq!(shape.meet(&shape.full(), &void), None);
    }

    #[test]
    fn what_many_cubes_have_in_common_is_given_up_beyond_the_same_number_of_pieces() {
        let shape = Shape::of(vec![2]);
        let common = |count: usize| {
            let cubes = vec![shape.full(); count];
            let found = shape.common(&cubes, std::slice::from_ref(&shape.full()));
            found.map(|it| it.len())
        };
        assert_eq!(common(MOST_CUBES), Ok(MOST_CUBES));
        assert_eq!(common(MOST_CUBES + 1), Err(TooMany));
    }
}
