package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.Philox;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * {@link Philox} over arrays: a batch of blocks goes through a round at a time, in loops over {@code long[]} that the
 * JIT turns into vectors, for each product of two 32-bit words needs 64 bits.
 */
public final class RandomBitsKernel implements CpuKernel {
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;
    private static final long LOW = 0xffffffffL;
    /** Blocks of four words that go through the rounds together: five arrays of them fit the first cache. */
    private static final int BATCH = 512;
    private static final int TASK_BATCHES = 8;
    private static final int TASK_WORDS = TASK_BATCHES * BATCH * 4;

    private final View state;
    private final View stream;
    private final View y;

    public RandomBitsKernel(PlanStep.Kernel step) {
        this.state = step.inputs().get(0);
        this.stream = step.inputs().get(1);
        this.y = step.outputs().getFirst();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long seed = Cells.integer(DType.I64, slots[state.slot()], state.byteOffset());
        long run = Cells.integer(DType.I64, slots[state.slot()], state.byteOffset() + state.strides()[0] * Long.BYTES);
        long ordinal = Cells.integer(DType.I64, slots[stream.slot()], stream.byteOffset());
        MemorySegment memory = slots[y.slot()];
        long count = y.shape().elements();
        parallel.run(Math.toIntExact((count + TASK_WORDS - 1) / TASK_WORDS), (task, worker) -> {
            Scratch scratch = Scratch.local();
            int[] words = scratch.ints(0, BATCH * 4);
            long end = Math.min(count, (task + 1L) * TASK_WORDS);
            for (long first = (long) task * TASK_WORDS; first < end; first += BATCH * 4) {
                generate(seed, run, ordinal, first / 4, scratch, words);
                int length = (int) Math.min(BATCH * 4, end - first);
                MemorySegment.copy(words, 0, memory, ValueLayout.JAVA_INT_UNALIGNED,
                    y.byteOffset() + first * Integer.BYTES, length);
            }
        });
    }

    private static void generate(long seed, long run, long stream, long block, Scratch scratch, int[] words) {
        long[] c0 = scratch.longs(0, BATCH);
        long[] c1 = scratch.longs(1, BATCH);
        long[] c2 = scratch.longs(2, BATCH);
        long[] c3 = scratch.longs(3, BATCH);
        for (int i = 0; i < BATCH; i++) {
            c0[i] = block + i & LOW;
            c1[i] = (run >>> 32 & 0xffff) << 16 | block + i >>> 32 & 0xffff;
            c2[i] = stream & LOW;
            c3[i] = run & LOW;
        }
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            round(c0, c1, c2, c3, k0 & LOW, k1 & LOW);
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        for (int i = 0; i < BATCH; i++) {
            words[4 * i] = (int) c0[i];
            words[4 * i + 1] = (int) c1[i];
            words[4 * i + 2] = (int) c2[i];
            words[4 * i + 3] = (int) c3[i];
        }
    }

    /** Words are in [0, 2^32); a product of two is below 2^64. */
    private static void round(long[] c0, long[] c1, long[] c2, long[] c3, long k0, long k1) {
        for (int i = 0; i < BATCH; i++) {
            long product0 = MULTIPLIER_0 * c0[i];
            long product1 = MULTIPLIER_1 * c2[i];
            c0[i] = product1 >>> 32 ^ c1[i] ^ k0;
            c1[i] = product1 & LOW;
            c2[i] = product0 >>> 32 ^ c3[i] ^ k1;
            c3[i] = product0 & LOW;
        }
    }
}
