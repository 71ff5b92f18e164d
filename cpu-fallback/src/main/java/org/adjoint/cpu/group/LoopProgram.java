package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.cpu.group.Machine.Value;

/**
 * What a {@link BlockKernel} does at each point: it loads inputs, computes, stores, and folds into lanes.
 *
 * @param inputs where inputs lie
 * @param scalars kinds of the scalar arguments
 * @param stores what is written
 * @param folds what is reduced
 */
record LoopProgram(List<Access> inputs, List<Kind> scalars, List<Store> stores, List<Fold> folds) {
    private static final int LEAST_CHAINS = 4;

    /**
     * Consecutive elements in memory.
     *
     * @param array whether they lie in a Java array of {@code kind}; else in a memory segment
     * @param bytes size of an element; 1 and 2 bytes are widened, without sign, to {@code I32}
     */
    record Access(boolean array, Kind kind, int bytes) {
        static Access array(Kind kind) {
            return new Access(true, kind, kind.isWide() ? 8 : 4);
        }

        static Access segment(Kind kind, int bytes) {
            return new Access(false, kind, bytes);
        }
    }

    record Store(Access access, Value value) { }

    /** How a value goes into its virtual lane. */
    enum FoldOp { SUM, MIN, MAX, PROD, FMA }

    /** Folds {@code a}, or {@code a * b} for {@code FMA}, into an array of virtual lanes: point i into lane i % lanes. */
    record Fold(FoldOp op, Value a, Value b, int lanes) {
        Kind kind() {
            return a.kind();
        }

        /**
         * Vectors that take the values in turn, so that one need not wait for another. A maximum is the same whatever
         * order it is taken in, and in more vectors than there are lanes for.
         */
        int chains(int vectorLanes) {
            int chains = lanes / vectorLanes;
            return op == FoldOp.MIN || op == FoldOp.MAX ? Math.max(LEAST_CHAINS, chains) : chains;
        }
    }

    List<Value> roots() {
        List<Value> roots = new ArrayList<>();
        stores.forEach(store -> roots.add(store.value));
        for (Fold fold : folds) {
            roots.add(fold.a);
            if (fold.b != null) {
                roots.add(fold.b);
            }
        }
        return roots;
    }

    int operands() {
        return inputs.size() + stores.size() + folds.size();
    }

    /** Where operand {@code index} of {@link BlockKernel#run} lies. */
    Access operand(int index) {
        if (index < inputs.size()) {
            return inputs.get(index);
        }
        int store = index - inputs.size();
        return store < stores.size() ? stores.get(store).access
            : Access.array(folds.get(store - stores.size()).kind());
    }
}
