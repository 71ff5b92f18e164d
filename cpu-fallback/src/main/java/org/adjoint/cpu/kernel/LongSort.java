package org.adjoint.cpu.kernel;

import java.util.Arrays;
import org.adjoint.cpu.Parallel;

/**
 * Sorts numbers of which no two are equal, many of them on several threads: a run for each thread, then rounds of merging
 * pairs. As there is but one order, how many threads there are never shows.
 */
final class LongSort {
    /** Numbers that a task merges; fewer are sorted by one thread. */
    static final int BLOCK = 1 << 15;

    private LongSort() { }

    /**
     * @param values overwritten
     * @param parallel null to sort on this thread
     * @return where the first n, sorted, are: {@code values} or another array
     */
    static long[] sort(long[] values, int n, Parallel parallel) {
        if (parallel == null || n <= BLOCK) {
            Arrays.sort(values, 0, n);
            return values;
        }
        int blocks = (n + BLOCK - 1) / BLOCK;
        int perRun = (blocks + parallel.workers() - 1) / parallel.workers();
        int first = perRun * BLOCK;
        parallel.run((blocks + perRun - 1) / perRun, (task, worker) ->
            Arrays.sort(values, task * first, (int) Math.min(n, (task + 1L) * first)));
        long[] from = values;
        long[] to = new long[n];
        for (long run = first; run < n; run *= 2) {
            long length = run;
            long[] source = from;
            long[] target = to;
            parallel.run(blocks, (block, worker) -> merge(source, target, n, length, (long) block * BLOCK));
            from = target;
            to = source;
        }
        return from;
    }

    /** Writes a block of what the two runs around it merge into. */
    private static void merge(long[] from, long[] to, int n, long run, long block) {
        int start = (int) (block / (2 * run) * (2 * run));
        int middle = (int) Math.min(n, start + run);
        int end = (int) Math.min(n, start + 2 * run);
        int before = (int) (block - start);
        int i = start + split(from, start, middle, end, before);
        int j = middle + before - (i - start);
        int last = (int) Math.min(n, block + BLOCK);
        for (int k = (int) block; k < last; k++) {
            to[k] = j >= end || i < middle && from[i] < from[j] ? from[i++] : from[j++];
        }
    }

    /** How many of the first {@code count} merged numbers come from the left run. */
    private static int split(long[] from, int start, int middle, int end, int count) {
        int low = Math.max(0, count - (end - middle));
        int high = Math.min(count, middle - start);
        while (low < high) {
            int left = (low + high) >>> 1;
            if (from[start + left] < from[middle + count - 1 - left]) {
                low = left + 1;
            } else {
                high = left;
            }
        }
        return low;
    }
}
