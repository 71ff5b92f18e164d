package org.adjoint.cuda.kernel;

import org.adjoint.cuda.launch.Argument;

/** Arrays in a step's workspace, one behind the other. */
final class WorkspaceLayout {
    private static final long ALIGNMENT = 256;

    private long bytes;

    Argument take(long elements, int elementBytes) {
        Argument.Workspace start = new Argument.Workspace(bytes);
        bytes += Math.ceilDiv(elements * elementBytes, ALIGNMENT) * ALIGNMENT;
        return start;
    }

    long bytes() {
        return bytes;
    }
}
