package org.adjoint.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;
import org.adjoint.cuda.launch.Product;
import org.adjoint.graph.DType;

/**
 * Products by cuBLAS. With one stream and a workspace of its own, of a fixed size, it gives the same bits each time on
 * the same card. Calls are ordered by the context's lock.
 */
final class Blas {
    private static final int HOPPER = 90;

    private final Context context;
    private final boolean tf32;
    private final cublasHandle handle = new cublasHandle();
    private final Arena arena = Arena.ofShared();
    private final Scalars floats;
    private final Scalars doubles;

    /** 1 and 0 in the host's memory, in the type that products compute in. */
    private record Scalars(Pointer one, Pointer zero) { }

    /** What a message says of a product. */
    private record Doing(Product product) {
        @Override
        public String toString() {
            return "of " + product.dtype().text() + " matrices (" + product.m() + ", " + product.k() + ") and ("
                + product.k() + ", " + product.n() + ")"
                + (product.batch() == 1 ? "" : ", " + product.batch() + " each");
        }
    }

    /** @param workspace memory for {@link #workspaceBytes} bytes */
    Blas(Context context, int architecture, long workspace, boolean tf32) {
        this.context = context;
        this.tf32 = tf32;
        MemorySegment f32 = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 0);
        MemorySegment f64 = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, 1, 0);
        floats = new Scalars(new HostPointer(f32.address()), new HostPointer(f32.address() + 4));
        doubles = new Scalars(new HostPointer(f64.address()), new HostPointer(f64.address() + 8));
        JCublas2.setExceptionsEnabled(false);
        boolean created = false;
        try {
            context.checkBlas(context.retried(() -> JCublas2.cublasCreate(handle),
                cublasStatus.CUBLAS_STATUS_ALLOC_FAILED), "cublasCreate", "for the first product");
            created = true;
            context.checkBlas(JCublas2.cublasSetStream(handle, new cudaStream_t(context.stream())), "cublasSetStream",
                "for the first product");
            context.checkBlas(JCublas2.cublasSetWorkspace(handle, DevicePointer.at(workspace),
                workspaceBytes(architecture)), "cublasSetWorkspace", "for the first product");
            // Otherwise parts of a long sum may be rounded to a 16-bit result's dtype before they are added.
            context.checkBlas(JCublas2.cublasSetMathMode(handle,
                cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION), "cublasSetMathMode",
                "for the first product");
        } catch (RuntimeException | Error e) {
            if (created) {
                JCublas2.cublasDestroy(handle);
            }
            arena.close();
            throw e;
        }
    }

    /** As cuBLAS's manual recommends. */
    static long workspaceBytes(int architecture) {
        return (architecture >= HOPPER ? 32 : 4) * DeviceMemory.MEBIBYTE;
    }

    /** cuBLAS's version, such as {@code 12.6.4}. */
    String version() {
        int[] version = new int[1];
        context.checkBlas(JCublas2.cublasGetVersion(handle, version), "cublasGetVersion", "");
        return version[0] / 10_000 + "." + version[0] % 10_000 / 100 + "." + version[0] % 100;
    }

    /**
     * Enqueues it. cuBLAS sees columns where we see rows, so it computes the transpose of c from those of b and a; only
     * a {@code c} that lies in columns is computed as it stands.
     */
    void multiply(Product product, long a, long b, long c) {
        if (product.m() == 0 || product.n() == 0 || product.batch() == 0) {
            return;
        }
        if (product.k() == 0) {
            clear(product, c);
            return;
        }
        boolean columns = product.c().transposed();
        Factor left = factor(product, product.a(), a, product.m(), product.k(), columns);
        Factor right = factor(product, product.b(), b, product.k(), product.n(), columns);
        int ldc = leading(product, product.c(), product.m(), product.n());
        int rows = extent(product, product.m());
        int cols = extent(product, product.n());
        int k = extent(product, product.k());
        if (columns) {
            enqueue(product, rows, cols, k, left, right, c, ldc);
        } else {
            enqueue(product, cols, rows, k, right, left, c, ldc);
        }
    }

    private record Factor(int operation, Pointer address, int leading, long batchStride) { }

    /** @param columns whether the product is computed as it stands: a matrix in rows is then a transposed one */
    private static Factor factor(Product product, Product.Matrix matrix, long address, long rows, long cols,
        boolean columns) {
        int operation = matrix.transposed() == columns ? cublasOperation.CUBLAS_OP_N : cublasOperation.CUBLAS_OP_T;
        return new Factor(operation, DevicePointer.at(address), leading(product, matrix, rows, cols),
            matrix.batchStride());
    }

    private void enqueue(Product product, int m, int n, int k, Factor a, Factor b, long c, int ldc) {
        int type = dataType(product.dtype());
        boolean wide = product.dtype() == DType.F64;
        int compute = wide ? cublasComputeType.CUBLAS_COMPUTE_64F
            : tf32 && product.dtype() == DType.F32 ? cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32
            : cublasComputeType.CUBLAS_COMPUTE_32F;
        Scalars scalars = wide ? doubles : floats;
        if (product.batch() == 1) {
            context.checkBlas(JCublas2.cublasGemmEx_new(handle, a.operation, b.operation, m, n, k, scalars.one,
                a.address, type, a.leading, b.address, type, b.leading, scalars.zero, DevicePointer.at(c), type, ldc,
                compute, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT), "cublasGemmEx", new Doing(product));
        } else {
            context.checkBlas(JCublas2.cublasGemmStridedBatchedEx_new(handle, a.operation, b.operation, m, n, k,
                scalars.one, a.address, type, a.leading, a.batchStride, b.address, type, b.leading, b.batchStride,
                scalars.zero, DevicePointer.at(c), type, ldc, product.c().batchStride(),
                extent(product, product.batch()), compute, cublasGemmAlgo.CUBLAS_GEMM_DEFAULT),
                "cublasGemmStridedBatchedEx", new Doing(product));
        }
    }

    /** A sum of no terms. */
    private void clear(Product product, long c) {
        Product.Matrix matrix = product.c();
        long size = product.dtype().bytes();
        long height = matrix.transposed() ? product.n() : product.m();
        long width = matrix.transposed() ? product.m() : product.n();
        long pitch = leading(product, matrix, product.m(), product.n()) * size;
        boolean dense = pitch == width * size;
        for (long i = 0; i < product.batch(); i++) {
            long start = c + i * matrix.batchStride() * size;
            if (dense) {
                clear(product, start, height * pitch);
            } else {
                for (long line = 0; line < height; line++) {
                    clear(product, start + line * pitch, width * size);
                }
            }
        }
    }

    private void clear(Product product, long start, long bytes) {
        context.check(JCudaDriver.cuMemsetD8Async(DevicePointer.at(start), (byte) 0, bytes, context.stream()),
            "cuMemsetD8Async", new Doing(product));
    }

    /** The distance of lines as cuBLAS wants it: of a single line, too, at least the line's length. */
    private static int leading(Product product, Product.Matrix matrix, long rows, long cols) {
        long lines = matrix.transposed() ? cols : rows;
        long length = matrix.transposed() ? rows : cols;
        if (lines > 1 && matrix.leading() < length) {
            throw new IllegalArgumentException("cuBLAS takes no matrix whose lines overlap: a product "
                + new Doing(product));
        }
        return extent(product, Math.max(matrix.leading(), length));
    }

    private static int extent(Product product, long extent) {
        if (extent > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("cuBLAS takes no extent beyond 2,147,483,647, but one is " + extent
                + ": a product " + new Doing(product));
        }
        return (int) extent;
    }

    private static int dataType(DType dtype) {
        return switch (dtype) {
            case F16 -> cudaDataType.CUDA_R_16F;
            case BF16 -> cudaDataType.CUDA_R_16BF;
            case F32 -> cudaDataType.CUDA_R_32F;
            case F64 -> cudaDataType.CUDA_R_64F;
            case BOOL, U8, I32, I64 -> throw new IllegalArgumentException("cuBLAS multiplies no " + dtype);
        };
    }

    void release() {
        JCublas2.cublasDestroy(handle);
        arena.close();
    }
}
