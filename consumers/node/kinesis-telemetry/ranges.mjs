// Sets of numbers as arrays of ranges [first, last] that are sorted and do not overlap: a hole of 10^12 numbers costs one entry.

/** Returns the numbers from 1 to `last` that are not among `numbers`, which are sorted. */
export function gaps(numbers, last) {
  const found = [];
  let following = 1;
  for (const number of [...numbers, last + 1]) {
    if (number > following) found.push([following, number - 1]);
    following = Math.max(following, number + 1);
  }
  return found;
}

/** Returns the numbers of ranges in any order, which may overlap. */
export function merged(ranges) {
  const found = [];
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const latest = found.at(-1);
    if (latest !== undefined && first <= latest[1] + 1) latest[1] = Math.max(latest[1], last);
    else found.push([first, last]);
  }
  return found;
}

/** Returns the numbers that are in both. */
export function common(left, right) {
  const found = [];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [first, last] = [Math.max(left[i][0], right[j][0]), Math.min(left[i][1], right[j][1])];
    if (first <= last) found.push([first, last]);
    if (left[i][1] < right[j][1]) i += 1;
    else j += 1;
  }
  return found;
}

/** Returns the numbers of `left` that are not in `right`. */
export function without(left, right) {
  const firsts = [1, ...right.map(([, last]) => last + 1)];
  const lasts = [...right.map(([first]) => first - 1), Number.MAX_SAFE_INTEGER];
  return common(left, firsts.map((first, at) => [first, lasts[at]]).filter(([first, last]) => first <= last));
}

/** Returns true if the number is in one of the ranges. */
export function holds(ranges, number) {
  const range = ranges[below(ranges, number + 1) - 1];
  return range !== undefined && number <= range[1];
}

/** Returns a function that counts how many numbers of `ranges` a range holds. */
export function counter(ranges) {
  const sums = [0];
  for (const [first, last] of ranges) sums.push(sums.at(-1) + last - first + 1);
  const countBelow = (number) => {
    const at = below(ranges, number);
    return sums[at] - (at > 0 ? Math.max(0, ranges[at - 1][1] + 1 - number) : 0);
  };
  return ([first, last]) => countBelow(last + 1) - countBelow(first);
}

/** Returns how many of the ranges begin below the number. */
function below(ranges, number) {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][0] < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
