package org.adjoint.cpu.group;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.adjoint.cpu.group.GroupLoop.Mode;
import org.adjoint.cpu.group.GroupLoop.Sink;
import org.adjoint.plan.Group;

/** The code of a group for one way its operands lie in memory, shared by all steps that run it. */
final class GroupCode {
    /** Points after which a group is hot: about a millisecond's work. */
    private static final long HOT = 1 << 20;

    final Group group;
    final List<Mode> modes;
    final List<Sink> sinks;
    final LoopProgram program;
    /** For each result that is accumulated, the kernel that folds a row into another, or into lanes; else null. */
    final List<TieredKernel> folds;
    private final BlockProgram blocks;
    private final int widthBits;
    private final Warmer warmer;
    private final AtomicBoolean requested = new AtomicBoolean();
    private volatile BlockKernel compiled;
    /** Counted without care for races: it decides when to compile, never what is computed. */
    private long points;

    GroupCode(Group group, List<Mode> modes, List<Sink> sinks, BlockProgram blocks,
        List<TieredKernel> folds, int widthBits, Tier tier, Warmer warmer) {
        this.group = group;
        this.modes = modes;
        this.sinks = sinks;
        this.blocks = blocks;
        this.folds = folds;
        this.widthBits = widthBits;
        this.warmer = warmer;
        program = GroupLoop.of(group, modes, sinks);
        boolean compilable = widthBits == 0 || KernelGenerator.isVectorizable(program);
        requested.set(tier != Tier.ADAPTIVE || !compilable);
        if (tier == Tier.COMPILED && compilable) {
            compiled = KernelGenerator.generate(program, widthBits);
        }
    }

    /** The compiled loop, or null while {@link #blocks} are to be used for the next {@code n} points. */
    BlockKernel compiled(int n) {
        BlockKernel kernel = compiled;
        if (kernel == null) {
            points += n;
            if (points > HOT && requested.compareAndSet(false, true)) {
                warmer.warm(program, widthBits, ready -> compiled = ready);
            }
        }
        return kernel;
    }

    BlockProgram blocks() {
        return blocks;
    }
}
