package org.adjoint.cuda.kernel;

import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;

/**
 * A stable sort of (key, position) pairs in the workspace: {@code radix_sort.cu}.
 *
 * @param type {@code u32} or {@code u64}, of keys and positions alike
 * @param count pairs
 */
record RadixSort(String type, int bytes, long count, WorkspaceLayout workspace) {
    private static final int THREADS = 256;
    private static final int TILE = 2048;
    private static final int DIGIT_BITS = 8;
    private static final int DIGITS = 1 << DIGIT_BITS;

    /** Two arrays of the workspace. */
    record Pairs(Argument keys, Argument positions) { }

    /** @param keys how many different keys there can be: pairs are counted in as many bits as needed */
    static RadixSort of(long keys, long count, WorkspaceLayout workspace) {
        boolean narrow = Math.max(keys, count) <= 1L << Integer.SIZE;
        return new RadixSort(narrow ? "u32" : "u64", narrow ? Integer.BYTES : Long.BYTES, count, workspace);
    }

    Pairs allocate() {
        return new Pairs(workspace.take(count, bytes), workspace.take(count, bytes));
    }

    /**
     * Sorts by keys below {@code bound}.
     *
     * @param pairs overwritten
     * @param work where the launches are added
     * @return where the sorted pairs lie
     */
    Pairs sort(Pairs pairs, long bound, List<Work> work) {
        int bits = bound <= 1 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(bound - 1);
        if (bits == 0) {
            return pairs;
        }
        Source source = Source.ofFile("radix_sort.cu", Map.of("K", type));
        long tiles = Math.ceilDiv(count, (long) TILE);
        Argument counts = workspace.take(tiles * DIGITS, bytes);
        Argument totals = workspace.take(DIGITS, bytes);
        Pairs from = pairs;
        Pairs to = allocate();
        for (int shift = 0; shift < bits; shift += DIGIT_BITS) {
            work.add(Launch.of(source, "sort_count_" + type, tiles, THREADS, from.keys(), counts, Argument.of(count),
                Argument.of(tiles), Argument.of(shift)));
            work.add(Launch.of(source, "sort_scan_" + type, DIGITS, THREADS, counts, totals, Argument.of(tiles)));
            work.add(Launch.of(source, "sort_move_" + type, tiles, THREADS, from.keys(), from.positions(), to.keys(),
                to.positions(), counts, totals, Argument.of(count), Argument.of(tiles), Argument.of(shift)));
            Pairs swap = from;
            from = to;
            to = swap;
        }
        return from;
    }
}
