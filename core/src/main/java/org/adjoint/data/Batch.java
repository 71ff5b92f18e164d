package org.adjoint.data;

import org.adjoint.Device;
import org.adjoint.Tensor;

/**
 * Windows of a text and, for each token, the one that follows it.
 *
 * @param tokens {@code rows * context} tokens, row after row
 * @param targets their successors
 */
public record Batch(int rows, int context, int[] tokens, int[] targets) {
    /** The tokens on a device, {@code I32 (rows, context)}. */
    public Tensor tokens(Device device) {
        return device.tensor(tokens, rows, context);
    }

    /** The targets on a device, {@code I32 (rows, context)}. */
    public Tensor targets(Device device) {
        return device.tensor(targets, rows, context);
    }
}
