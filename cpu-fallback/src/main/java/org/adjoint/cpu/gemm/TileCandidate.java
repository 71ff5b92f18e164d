package org.adjoint.cpu.gemm;

import java.util.Arrays;
import java.util.function.Consumer;
import org.adjoint.cpu.warm.Warmer;

/** The vector code of a tile on its way to being compiled. */
final class TileCandidate implements Warmer.Candidate {
    private static final int DEPTH = 14;

    private final TileKernel kernel;
    private final Consumer<TileKernel> ready;
    private final Object a;
    private final Object b;
    private final Object tile;
    private final int[] steps = new int[DEPTH];
    private final long operations;

    /** @param columns of a tile, so many in each of its vectors as they have lanes */
    TileCandidate(TileKernel kernel, boolean doubles, int rows, int vectors, int columns, int rowStride,
            Consumer<TileKernel> ready) {
        this.kernel = kernel;
        this.ready = ready;
        this.a = array(doubles, rows * rowStride);
        this.b = array(doubles, DEPTH * columns);
        this.tile = array(doubles, rows * columns);
        Arrays.setAll(steps, step -> step * columns);
        // Multiply-adds, broadcasts and loads of each step, and the stores.
        this.operations = DEPTH * (rows * vectors + rows + vectors) + rows * vectors;
    }

    private static Object array(boolean doubles, int size) {
        return doubles ? new double[size] : new float[size];
    }

    @Override
    public void call() {
        kernel.run(DEPTH, a, 0, b, 0, steps, tile);
    }

    @Override
    public long operations() {
        return operations;
    }

    @Override
    public void ready() {
        ready.accept(kernel);
    }
}
