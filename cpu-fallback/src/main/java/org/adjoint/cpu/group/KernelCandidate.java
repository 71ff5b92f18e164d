package org.adjoint.cpu.group;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.Consumer;
import org.adjoint.cpu.warm.Warmer;

/** The vector code of a {@link LoopProgram} on its way to being compiled. */
final class KernelCandidate implements Warmer.Candidate {
    /** Vectors per call. */
    private static final int STEPS = 14;

    private final BlockKernel kernel;
    private final Consumer<BlockKernel> ready;
    private final Object[] bases;
    private final long[] offsets;
    private final long[] scalars;
    private final int n;
    private final long operations;

    private KernelCandidate(LoopProgram program, BlockKernel kernel, Consumer<BlockKernel> ready) {
        this.kernel = kernel;
        this.ready = ready;
        n = STEPS * Math.max(kernel.step(), 16) + 1;
        operations = (n / kernel.step() + 1) * (KernelGenerator.operations(program) + program.operands());
        bases = new Object[program.operands()];
        offsets = new long[bases.length];
        scalars = new long[program.scalars().size()];
        Arrays.fill(scalars, Double.doubleToRawLongBits(1));
        for (int i = 0; i < bases.length; i++) {
            LoopProgram.Access access = program.operand(i);
            bases[i] = access.array() ? Scratch.newRow(access.kind()) : Arena.ofAuto().allocate(8L * (n + 64), 64);
            if (bases[i] instanceof float[] values) {
                Arrays.fill(values, 1);
            } else if (bases[i] instanceof double[] values) {
                Arrays.fill(values, 1);
            }
        }
    }

    /** Gives {@code ready} the program's kernel once it is fast, if ever. */
    static void warm(Warmer warmer, LoopProgram program, int widthBits, Consumer<BlockKernel> ready) {
        warmer.warm(() -> {
            BlockKernel kernel = KernelGenerator.generate(program, widthBits);
            return kernel == null ? null : new KernelCandidate(program, kernel, ready);
        });
    }

    @Override
    public void call() {
        kernel.run(bases, offsets, scalars, n);
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
