package org.adjoint.cpu.kernel;

import java.lang.reflect.Array;

/**
 * Arrays that a thread keeps from task to task, so that no kernel allocates while it runs. A task has its thread's to
 * itself; what it left there is gone when the next one looks.
 */
final class Scratch {
    private static final ThreadLocal<Scratch> LOCAL = ThreadLocal.withInitial(Scratch::new);
    private static final int ARRAYS = 24;

    private final float[][] floats = new float[ARRAYS][0];
    private final double[][] doubles = new double[ARRAYS][0];
    private final long[][] longs = new long[ARRAYS][0];
    private final int[][] ints = new int[2][0];
    private short[] halves = new short[0];

    private Scratch() { }

    /** The calling thread's. */
    static Scratch local() {
        return LOCAL.get();
    }

    /** Array {@code index}, of {@code arithmetic}'s type and at least {@code size} elements; contents undefined. */
    Object array(Arithmetic arithmetic, int index, int size) {
        Object[] kept = arithmetic.isDouble() ? doubles : floats;
        Object array = kept[index];
        if (Array.getLength(array) < size) {
            array = arithmetic.array(grown(size));
            kept[index] = array;
        }
        return array;
    }

    long[] longs(int index, int size) {
        if (longs[index].length < size) {
            longs[index] = new long[grown(size)];
        }
        return longs[index];
    }

    int[] ints(int index, int size) {
        if (ints[index].length < size) {
            ints[index] = new int[grown(size)];
        }
        return ints[index];
    }

    short[] halves(int size) {
        if (halves.length < size) {
            halves = new short[size];
        }
        return halves;
    }

    /** A little more than asked for, so that slowly growing shapes (a decoder's keys) do not allocate each time. */
    private static int grown(int size) {
        return (int) Math.min(Integer.MAX_VALUE - 8, size + (long) size / 4 + 16);
    }
}
