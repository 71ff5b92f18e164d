package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;

/**
 * Stripes of rows: the gradient of a normalization's parameters sums over each, and then adds the sums in order. Fixed
 * by the number of rows alone, so that the bits are the same on every card. The counterpart of {@code stripes.cuh}.
 *
 * @param rows in all
 * @param height rows of a stripe; the last may have fewer
 */
record Stripes(long rows, long height) {
    /** Warps of a block where each has whole rows. */
    private static final int WARPS = 4;
    /** Warps of a block that adds stripes' sums. */
    private static final int FOLD_WARPS = 32;
    /** The least height: four rows for each warp. */
    private static final long LEAST_HEIGHT = 16;
    /** Most stripes, which bounds what their sums take. */
    private static final long MOST = 1024;

    static Stripes of(long rows) {
        long height = Math.max(LEAST_HEIGHT, RowTeam.blocks(rows, MOST));
        return new Stripes(rows, RowTeam.blocks(height, LEAST_HEIGHT) * LEAST_HEIGHT);
    }

    long count() {
        return RowTeam.blocks(rows, height);
    }

    /** What the sums over stripes take. */
    long bytes(DType dtype, long columns) {
        return count() * columns * dtype.computeType().bytes();
    }

    /**
     * The launches that write the gradient of the rows, and the stripes' sums to the workspace.
     *
     * @param name of the kernels {@code name_warp}, {@code name_block}, {@code name_long} and {@code name_stripes}
     * @param rowArguments of the first three, of which the first two take the height and the sums besides
     * @param sumArguments of the last, which takes height and sums besides
     */
    List<Launch> launches(Source source, String name, DType dtype, long width, int vector,
        List<Argument> rowArguments, List<Argument> sumArguments) {
        RowTeam team = RowTeam.of(dtype, width);
        List<Argument> sums = List.of(Argument.of(height), new Argument.Workspace(0));
        if (team == RowTeam.LONG) {
            return List.of(team.launch(source, name, dtype, rows, rowArguments.toArray(Argument[]::new)),
                new Launch(source, RowTeam.symbol(name + "_stripes", dtype),
                    RowTeam.blocks(width, (long) RowTeam.WARP_THREADS * vector), (int) count(), 1, RowTeam.THREADS, 1,
                    0, concat(sumArguments, sums)));
        }
        int threads = team == RowTeam.WARP ? WARPS * RowTeam.WARP_THREADS : RowTeam.THREADS;
        return List.of(Launch.of(source, team.teamSymbol(name, dtype), count(), threads,
            concat(rowArguments, sums).toArray(Argument[]::new)));
    }

    /** The launch that adds the stripes' sums. */
    Launch fold(Source source, String name, DType dtype, long columns, Argument... arguments) {
        List<Argument> all = concat(List.of(new Argument.Workspace(0), Argument.of(count())), List.of(arguments));
        return Launch.of(source, RowTeam.symbol(name + "_fold", dtype),
            RowTeam.blocks(columns, RowTeam.WARP_THREADS), FOLD_WARPS * RowTeam.WARP_THREADS,
            all.toArray(Argument[]::new));
    }

    private static List<Argument> concat(List<Argument> first, List<Argument> second) {
        List<Argument> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
