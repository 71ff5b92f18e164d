package org.adjoint.cpu.group;

/** The kernel of a {@link LoopProgram}, which may be replaced by a faster one with the same results. */
final class TieredKernel {
    private final LoopProgram program;
    private volatile BlockKernel current;

    private TieredKernel(LoopProgram program, BlockKernel first) {
        this.program = program;
        this.current = first;
    }

    /** A kernel over rows. With {@code warmer}, it runs scalar code until the vector code is compiled. */
    static TieredKernel ofRows(LoopProgram program, int widthBits, Warmer warmer) {
        if (widthBits == 0 || !KernelGenerator.isVectorizable(program)) {
            return new TieredKernel(program, KernelGenerator.generate(program, 0));
        }
        if (warmer == null) {
            return new TieredKernel(program, KernelGenerator.generate(program, widthBits));
        }
        TieredKernel kernel = new TieredKernel(program, KernelGenerator.generate(program, 0));
        warmer.warm(program, widthBits, kernel::replace);
        return kernel;
    }

    /** A kernel between rows and memory, for which there is no scalar code. */
    static TieredKernel ofMemory(LoopProgram program, int widthBits, Warmer warmer) {
        if (widthBits == 0) {
            return new TieredKernel(program, null);
        }
        if (warmer == null) {
            return new TieredKernel(program, KernelGenerator.generate(program, widthBits));
        }
        TieredKernel kernel = new TieredKernel(program, null);
        warmer.warm(program, widthBits, kernel::replace);
        return kernel;
    }

    private void replace(BlockKernel faster) {
        if (faster != null) {
            current = faster;
        }
    }

    LoopProgram program() {
        return program;
    }

    /** Null only for a kernel of memory that has no vector code, or none yet. */
    BlockKernel get() {
        return current;
    }
}
