package org.adjoint.cuda.kernel;

import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;

/** A stable sort of (key, position) pairs in the workspace: {@code radix_sort.cu}. */
final class RadixSort {
    private static final int THREADS = 256;
    private static final int TILE = 2048;
    private static final int DIGIT_BITS = 8;
    private static final int DIGITS = 1 << DIGIT_BITS;

    /** Two arrays of the workspace. */
    record Pairs(Argument keys, Argument positions) { }

    private final String type;
    private final long count;
    private final Argument counts;
    private final Argument totals;
    private Pairs pairs;
    private Pairs others;

    /**
     * @param keyBits of keys
     * @param count of pairs, each of which has a number as its position
     */
    RadixSort(int keyBits, long count, WorkspaceLayout workspace) {
        boolean narrow = keyBits <= Integer.SIZE && count <= 1L << Integer.SIZE;
        int bytes = narrow ? Integer.BYTES : Long.BYTES;
        this.type = narrow ? "u32" : "u64";
        this.count = count;
        this.pairs = new Pairs(workspace.take(count, bytes), workspace.take(count, bytes));
        this.others = new Pairs(workspace.take(count, bytes), workspace.take(count, bytes));
        this.counts = workspace.take(Math.ceilDiv(count, (long) TILE) * DIGITS, bytes);
        this.totals = workspace.take(DIGITS, bytes);
    }

    /** Bits of keys below {@code bound}. */
    static int bits(long bound) {
        return bound <= 1 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(bound - 1);
    }

    /** {@code u32} or {@code u64}, of keys and positions alike. */
    String type() {
        return type;
    }

    /** Where the pairs are now. */
    Pairs pairs() {
        return pairs;
    }

    /**
     * Sorts by the lower bits of the keys.
     *
     * @param work where the launches are added
     */
    void sort(int bits, List<Work> work) {
        Source source = Source.ofFile("radix_sort.cu", Map.of("K", type));
        long tiles = Math.ceilDiv(count, (long) TILE);
        for (int shift = 0; shift < bits; shift += DIGIT_BITS) {
            work.add(Launch.of(source, "sort_count_" + type, tiles, THREADS, pairs.keys(), counts, Argument.of(count),
                Argument.of(tiles), Argument.of(shift)));
            work.add(Launch.of(source, "sort_scan_" + type, DIGITS, THREADS, counts, totals, Argument.of(tiles)));
            work.add(Launch.of(source, "sort_move_" + type, tiles, THREADS, pairs.keys(), pairs.positions(),
                others.keys(), others.positions(), counts, totals, Argument.of(count), Argument.of(tiles),
                Argument.of(shift)));
            Pairs sorted = others;
            others = pairs;
            pairs = sorted;
        }
    }
}
