package org.adjoint.cuda.launch;

import java.util.List;

/**
 * A kernel launch. Grid and block never depend on the card's size, so that results do not either.
 *
 * @param function the kernel's symbol in the source
 * @param gridX blocks, at most 2^31 - 1; {@code gridY} and {@code gridZ} at most 65,535
 * @param blockX threads; at most 1,024 in all
 * @param sharedBytes dynamic shared memory of a block; more than 48 KiB is asked for where the card allows it
 * @param arguments in the order of the kernel's parameters
 */
public record Launch(Source source, String function, long gridX, int gridY, int gridZ, int blockX, int blockY,
    int sharedBytes, List<Argument> arguments) implements Work {

    public Launch {
        arguments = List.copyOf(arguments);
        if (gridX < 1 || gridX > Integer.MAX_VALUE || gridY < 1 || gridY > 65_535 || gridZ < 1 || gridZ > 65_535
            || blockX < 1 || blockY < 1 || (long) blockX * blockY > 1024 || sharedBytes < 0) {
            throw new IllegalArgumentException(function + " can't be launched with a grid of " + gridX + " x " + gridY
                + " x " + gridZ + ", blocks of " + blockX + " x " + blockY + " and " + sharedBytes + " shared bytes");
        }
    }

    /** A launch in one dimension. */
    public static Launch of(Source source, String function, long blocks, int threads, Argument... arguments) {
        return new Launch(source, function, blocks, 1, 1, threads, 1, 0, List.of(arguments));
    }
}
