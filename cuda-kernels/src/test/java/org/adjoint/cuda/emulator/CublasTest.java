package org.adjoint.cuda.emulator;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import org.adjoint.cuda.driver.Libraries;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The stand-in of cuBLAS, as JCuda sees it, against products in f64. Matrices lie column by column, as in cuBLAS. */
class CublasTest {
    private static final int N = cublasOperation.CUBLAS_OP_N;
    private static final int T = cublasOperation.CUBLAS_OP_T;

    private static Emulator emulator;

    private cublasHandle handle;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        Libraries.load();
        JCublas2.setExceptionsEnabled(false);
        JCudaDriver.setExceptionsEnabled(false);
    }

    @BeforeEach
    void open() {
        emulator.reset();
        CUdevice device = new CUdevice();
        assertEquals(0, cuInit(0));
        assertEquals(0, cuDeviceGet(device, 0));
        assertEquals(0, cuCtxCreate(new CUcontext(), 0, device));
        handle = new cublasHandle();
        assertEquals(0, JCublas2.cublasCreate(handle));
    }

    @AfterAll
    static void reset() {
        if (emulator != null) {
            emulator.reset();
        }
    }

    /** Types of cuBLAS, how their elements are stored, and the rounding error of one element. */
    private enum Type {
        F32(cudaDataType.CUDA_R_32F, 4, 0x1p-24),
        F64(cudaDataType.CUDA_R_64F, 8, 0x1p-53),
        F16(cudaDataType.CUDA_R_16F, 2, 0x1p-11),
        BF16(14, 2, 0x1p-8);

        final int code;
        final int bytes;
        final double rounding;

        Type(int code, int bytes, double rounding) {
            this.code = code;
            this.bytes = bytes;
            this.rounding = rounding;
        }

        int compute() {
            return this == F64 ? cublasComputeType.CUBLAS_COMPUTE_64F : cublasComputeType.CUBLAS_COMPUTE_32F;
        }

        Pointer scalar(double x) {
            return this == F64 ? Pointer.to(new double[] {x}) : Pointer.to(new float[] {(float) x});
        }

        void put(ByteBuffer target, double x) {
            switch (this) {
                case F32 -> target.putFloat((float) x);
                case F64 -> target.putDouble(x);
                case F16 -> target.putShort(Float.floatToFloat16((float) x));
                case BF16 -> target.putShort((short) (Float.floatToRawIntBits((float) x) + 0x7fff
                    + (Float.floatToRawIntBits((float) x) >>> 16 & 1) >>> 16));
            }
        }

        double get(ByteBuffer source) {
            return switch (this) {
                case F32 -> source.getFloat();
                case F64 -> source.getDouble();
                case F16 -> Float.float16ToFloat(source.getShort());
                case BF16 -> Float.intBitsToFloat(source.getShort() << 16);
            };
        }
    }

    private static ByteBuffer buffer(long bytes) {
        return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
    }

    private static CUdeviceptr allocate(long bytes) {
        CUdeviceptr address = new CUdeviceptr();
        assertEquals(0, cuMemAlloc(address, bytes));
        return address;
    }

    private static CUdeviceptr upload(Type type, double... values) {
        ByteBuffer bytes = buffer((long) values.length * type.bytes);
        for (double x : values) {
            type.put(bytes, x);
        }
        CUdeviceptr address = allocate(bytes.capacity());
        assertEquals(0, cuMemcpyHtoD(address, Pointer.to(bytes.array()), bytes.capacity()));
        return address;
    }

    private static double[] download(Type type, CUdeviceptr address, int count) {
        ByteBuffer bytes = buffer((long) count * type.bytes);
        assertEquals(0, cuMemcpyDtoH(Pointer.to(bytes.array()), address, bytes.capacity()), emulator.fault());
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = type.get(bytes);
        }
        return values;
    }

    /** Random values that the type holds exactly. */
    private static double[] random(Type type, Random random, int count) {
        double[] values = new double[count];
        ByteBuffer one = buffer(type.bytes);
        for (int i = 0; i < count; i++) {
            type.put(one.clear(), random.nextDouble() * 2 - 1);
            values[i] = type.get(one.flip());
        }
        return values;
    }

    /** A case: result and factors may be of different types, rows may be padded, one matrix may serve a whole batch. */
    private record Problem(Type factors, Type result, int opA, int opB, int m, int n, int k, int padding, int batch,
        boolean sharedA, double alpha, double beta) {

        int leadingA() {
            return Math.max(1, opA == N ? m : k) + padding;
        }

        int leadingB() {
            return Math.max(1, opB == N ? k : n) + padding;
        }

        int leadingC() {
            return m + padding;
        }

        int strideA() {
            return leadingA() * (opA == N ? k : m);
        }

        int strideB() {
            return leadingB() * (opB == N ? n : k);
        }

        int strideC() {
            return leadingC() * n;
        }

        double a(double[] values, int batch, int row, int i) {
            int at = opA == N ? row + i * leadingA() : i + row * leadingA();
            return values[(sharedA ? 0 : batch * strideA()) + at];
        }

        double b(double[] values, int batch, int i, int column) {
            return values[batch * strideB() + (opB == N ? i + column * leadingB() : column + i * leadingB())];
        }
    }

    static Stream<Arguments> problems() {
        List<Arguments> problems = new ArrayList<>();
        for (Type type : Type.values()) {
            for (int opA : new int[] {N, T}) {
                for (int opB : new int[] {N, T}) {
                    problems.add(Arguments.of(new Problem(type, type, opA, opB, 33, 17, 70, 0, 1, false, 1, 0)));
                    problems.add(Arguments.of(new Problem(type, type, opA, opB, 5, 3, 7, 3, 3, false, 1, 0)));
                }
            }
            problems.add(Arguments.of(new Problem(type, type, T, N, 40, 41, 600, 1, 2, true, -0.5, 2)));
            problems.add(Arguments.of(new Problem(type, type, N, N, 1, 1, 1, 0, 1, false, 1, 1)));
            problems.add(Arguments.of(new Problem(type, type, N, N, 4, 4, 0, 0, 1, false, 1, 0)));
        }
        problems.add(Arguments.of(new Problem(Type.BF16, Type.F32, N, T, 9, 8, 100, 0, 1, false, 1, 0)));
        problems.add(Arguments.of(new Problem(Type.F16, Type.F32, N, T, 9, 8, 100, 0, 2, false, 1, 1)));
        return problems.stream();
    }

    @ParameterizedTest
    @MethodSource("problems")
    void productsAgreeWithF64(Problem p) {
        Random random = new Random(7);
        double[] a = random(p.factors, random, Math.max(1, p.strideA() * (p.sharedA ? 1 : p.batch)));
        double[] b = random(p.factors, random, Math.max(1, p.strideB() * p.batch));
        double[] c = random(p.result, random, p.strideC() * p.batch);
        CUdeviceptr deviceA = upload(p.factors, a);
        CUdeviceptr deviceB = upload(p.factors, b);
        CUdeviceptr deviceC = upload(p.result, c);
        Pointer alpha = p.factors.scalar(p.alpha);
        Pointer beta = p.factors.scalar(p.beta);
        int status = p.batch == 1 ? JCublas2.cublasGemmEx_new(handle, p.opA, p.opB, p.m, p.n, p.k, alpha, deviceA,
                p.factors.code, p.leadingA(), deviceB, p.factors.code, p.leadingB(), beta, deviceC, p.result.code,
                p.leadingC(), p.factors.compute(), -1)
            : JCublas2.cublasGemmStridedBatchedEx_new(handle, p.opA, p.opB, p.m, p.n, p.k, alpha, deviceA,
                p.factors.code, p.leadingA(), p.sharedA ? 0 : p.strideA(), deviceB, p.factors.code, p.leadingB(),
                p.strideB(), beta, deviceC, p.result.code, p.leadingC(), p.strideC(), p.batch, p.factors.compute(), -1);
        assertEquals(cublasStatus.CUBLAS_STATUS_SUCCESS, status);
        check(p, a, b, c, download(p.result, deviceC, c.length));
    }

    private static void check(Problem p, double[] a, double[] b, double[] before, double[] after) {
        double sums = p.factors == Type.F64 ? 0x1p-53 : 0x1p-24;
        for (int batch = 0; batch < p.batch; batch++) {
            for (int column = 0; column < p.n; column++) {
                for (int row = 0; row < p.leadingC(); row++) {
                    int at = batch * p.strideC() + row + column * p.leadingC();
                    if (row >= p.m) {
                        assertEquals(before[at], after[at], "padding is left alone");
                        continue;
                    }
                    double expected = p.beta * before[at];
                    double magnitude = Math.abs(expected);
                    for (int i = 0; i < p.k; i++) {
                        double product = p.alpha * p.a(a, batch, row, i) * p.b(b, batch, i, column);
                        expected += product;
                        magnitude += Math.abs(product);
                    }
                    // Sums of at most k + 2 roundings, and the one of storing.
                    double bound = magnitude * (p.k + 3) * sums + Math.abs(expected) * p.result.rounding;
                    assertEquals(expected, after[at], bound * 1.01 + Double.MIN_NORMAL, p.toString());
                }
            }
        }
    }

    @Test
    void matricesGivenByATable() {
        double[][] a = {{1, 2, 3, 4}, {5, 6, 7, 8}};
        CUdeviceptr identity = upload(Type.F32, 1, 0, 0, 1);
        CUdeviceptr[] results = {allocate(16), allocate(16)};
        Pointer tableA = table(upload(Type.F32, a[0]), upload(Type.F32, a[1]));
        int status = JCublas2.cublasGemmBatchedEx_new(handle, N, T, 2, 2, 2, Type.F32.scalar(1), tableA, Type.F32.code,
            2, table(identity, identity), Type.F32.code, 2, Type.F32.scalar(0), table(results), Type.F32.code, 2, 2,
            Type.F32.compute(), -1);
        assertEquals(cublasStatus.CUBLAS_STATUS_SUCCESS, status);
        assertEquals(List.of(1., 2., 3., 4.), list(download(Type.F32, results[0], 4)));
        assertEquals(List.of(5., 6., 7., 8.), list(download(Type.F32, results[1], 4)));
    }

    private static Pointer table(CUdeviceptr... addresses) {
        CUdeviceptr table = allocate(8L * addresses.length);
        assertEquals(0, cuMemcpyHtoD(table, Pointer.to(addresses), 8L * addresses.length));
        return table;
    }

    private static List<Double> list(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private int multiply(CUdeviceptr a, CUdeviceptr b, CUdeviceptr c, int m, int leadingA, double beta, int compute) {
        return JCublas2.cublasGemmEx_new(handle, N, N, m, 2, 2, Type.F32.scalar(1), a, Type.F32.code, leadingA, b,
            Type.F32.code, 2, Type.F32.scalar(beta), c, Type.F32.code, 2, compute, -1);
    }

    @Test
    void impossibleProductsAreRefused() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        CUdeviceptr c = allocate(16);
        int single = cublasComputeType.CUBLAS_COMPUTE_32F;
        assertEquals(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, multiply(a, a, c, 2, 1, 0, single));
        assertEquals(cublasStatus.CUBLAS_STATUS_INVALID_VALUE, multiply(a, a, c, -1, 2, 0, single));
        assertEquals(cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED,
            multiply(a, a, c, 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_64F));
        assertEquals("", emulator.fault());
    }

    @Test
    void tensorFloatsRoundTheFactors() {
        CUdeviceptr a = upload(Type.F32, 1 + 0x1p-12, 0, 0, 1);
        CUdeviceptr identity = upload(Type.F32, 1, 0, 0, 1);
        CUdeviceptr exact = allocate(16);
        CUdeviceptr rounded = allocate(16);
        assertEquals(0, multiply(a, identity, exact, 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_32F));
        assertEquals(0, multiply(a, identity, rounded, 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32));
        assertEquals(1 + 0x1p-12, download(Type.F32, exact, 4)[0]);
        assertEquals(1, download(Type.F32, rounded, 4)[0]);
    }

    private void assertFault(String expected) {
        assertNotEquals(0, cuCtxSynchronize());
        assertTrue(emulator.fault().contains(expected), emulator.fault());
    }

    @Test
    void factorsThatNobodyWroteAreAFault() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        multiply(a, allocate(16), allocate(16), 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_32F);
        assertFault("factor B");
    }

    @Test
    void aResultThatNobodyWroteCannotBeScaled() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        multiply(a, a, allocate(16), 2, 2, 1, cublasComputeType.CUBLAS_COMPUTE_32F);
        assertFault("result C");
    }

    @Test
    void aResultPastItsAllocationIsAFault() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        multiply(a, a, allocate(12), 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_32F);
        assertFault("result C");
    }

    @Test
    void aFactorPastItsAllocationIsAFault() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        multiply(a, a, allocate(16), 2, 3, 0, cublasComputeType.CUBLAS_COMPUTE_32F);
        assertFault("factor A");
    }

    @Test
    void aResultOverAFactorIsAFault() {
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        CUdeviceptr b = upload(Type.F32, 1, 2, 3, 4);
        multiply(a, b, b, 2, 2, 0, cublasComputeType.CUBLAS_COMPUTE_32F);
        assertFault("overlaps");
    }

    @Test
    void aFailureOnDemandIsReported() {
        emulator.failAt("cublasGemmEx", 1, cublasStatus.CUBLAS_STATUS_EXECUTION_FAILED);
        CUdeviceptr a = upload(Type.F32, 1, 2, 3, 4);
        CUdeviceptr c = allocate(16);
        int single = cublasComputeType.CUBLAS_COMPUTE_32F;
        assertEquals(cublasStatus.CUBLAS_STATUS_EXECUTION_FAILED, multiply(a, a, c, 2, 2, 0, single));
        assertEquals(cublasStatus.CUBLAS_STATUS_SUCCESS, multiply(a, a, c, 2, 2, 0, single));
        assertEquals(0, cuCtxSynchronize());
        emulator.failAt("cublasCreate", 1, cublasStatus.CUBLAS_STATUS_ALLOC_FAILED);
        assertEquals(cublasStatus.CUBLAS_STATUS_ALLOC_FAILED, JCublas2.cublasCreate(new cublasHandle()));
    }
}
