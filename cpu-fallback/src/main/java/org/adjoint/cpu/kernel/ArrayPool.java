package org.adjoint.cpu.kernel;

import java.lang.reflect.Array;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Arrays that all workers of a run share, lent from run to run whatever the kernel: a device keeps as many as run at a
 * time, each as large as the largest that was asked for in its place.
 */
public final class ArrayPool {
    private final Queue<Object> floats = new ConcurrentLinkedQueue<>();
    private final Queue<Object> doubles = new ConcurrentLinkedQueue<>();

    private Queue<Object> of(Arithmetic arithmetic) {
        return arithmetic.isDouble() ? doubles : floats;
    }

    /** An array of at least {@code size} elements; contents undefined. */
    Object take(Arithmetic arithmetic, int size) {
        Object kept = of(arithmetic).poll();
        return kept != null && Array.getLength(kept) >= size ? kept : arithmetic.array(size);
    }

    /** Gives back what was taken. */
    void give(Arithmetic arithmetic, Object array) {
        of(arithmetic).add(array);
    }
}
