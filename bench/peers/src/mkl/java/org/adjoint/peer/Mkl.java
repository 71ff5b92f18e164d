package org.adjoint.peer;

import static org.bytedeco.mkl.global.mkl_rt.cblas_dgemm;
import static org.bytedeco.mkl.global.mkl_rt.cblas_sgemm;

import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.mkl.global.mkl_rt;

/**
 * Matrix products by Intel's MKL. What is asked for: {@code kind} ({@code gemm}), {@code type} ({@code f32} or
 * {@code f64}), {@code transposes} ({@code NN}, {@code NT}, {@code TN}), {@code m}, {@code n}, {@code k}. The number of
 * threads is that of the environment variable {@code MKL_NUM_THREADS}.
 */
public final class Mkl implements Function<Map<String, String>, Runnable> {
    // Of cblas.h.
    private static final int ROW_MAJOR = 101;
    private static final int NO_TRANSPOSE = 111;
    private static final int TRANSPOSE = 112;

    @Override
    public Runnable apply(Map<String, String> asked) {
        if (!asked.get("kind").equals("gemm")) {
            throw new IllegalArgumentException("mkl has matrix products only");
        }
        Loader.load(mkl_rt.class);
        int m = Integer.parseInt(asked.get("m"));
        int n = Integer.parseInt(asked.get("n"));
        int k = Integer.parseInt(asked.get("k"));
        boolean transposedA = asked.get("transposes").charAt(0) == 'T';
        boolean transposedB = asked.get("transposes").charAt(1) == 'T';
        int operationA = transposedA ? TRANSPOSE : NO_TRANSPOSE;
        int operationB = transposedB ? TRANSPOSE : NO_TRANSPOSE;
        int rowA = transposedA ? m : k;
        int rowB = transposedB ? k : n;
        if (asked.get("type").equals("f64")) {
            DoublePointer a = doubles(m * k);
            DoublePointer b = doubles(k * n);
            DoublePointer c = doubles(m * n);
            return () -> cblas_dgemm(ROW_MAJOR, operationA, operationB, m, n, k, 1, a, rowA, b, rowB, 0, c, n);
        }
        FloatPointer a = floats(m * k);
        FloatPointer b = floats(k * n);
        FloatPointer c = floats(m * n);
        return () -> cblas_sgemm(ROW_MAJOR, operationA, operationB, m, n, k, 1, a, rowA, b, rowB, 0, c, n);
    }

    private static FloatPointer floats(int count) {
        Random random = new Random(1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return new FloatPointer(values);
    }

    private static DoublePointer doubles(int count) {
        return new DoublePointer(new Random(1).doubles(count, -0.5, 0.5).toArray());
    }
}
