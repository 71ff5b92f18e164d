package org.adjoint.cuda.launch;

import org.adjoint.graph.DType;

/**
 * A product of row-major matrices by cuBLAS, {@code c (m, n) = a (m, k) . b (k, n)}, for each of {@code batch} triples.
 * 16-bit matrices and {@code F32} accumulate in {@code F32}.
 *
 * @param dtype of all three: F16, BF16, F32 or F64
 */
public record Product(DType dtype, long m, long n, long k, Matrix a, Matrix b, Matrix c, long batch) implements Work {
    /**
     * @param slot of the plan
     * @param byteOffset of element (0, 0) of the first matrix
     * @param leading elements from one row to the next, or with {@code transposed} from one column to the next
     * @param transposed whether columns, not rows, lie contiguous in memory
     * @param batchStride elements from one matrix of the batch to the next; 0 shares one
     */
    public record Matrix(int slot, long byteOffset, long leading, boolean transposed, long batchStride) { }
}
