package org.adjoint.cpu.kernel;

/**
 * Products of rows summed as a product of matrices sums them, each a chain of fma in order: to the bit what
 * {@link BlockProducts} makes of the same rows. Four rows at a time, since a chain alone would wait for each fma.
 */
final class Chains {
    private Chains() { }

    /** {@code y[i] = } the sum of {@code a b} over row i, of {@code n} elements; all are arrays of one arithmetic. */
    static void sums(Arithmetic arithmetic, Object a, Object b, int rows, int n, Object y) {
        if (arithmetic.isDouble()) {
            sums((double[]) a, (double[]) b, rows, n, (double[]) y);
        } else {
            sums((float[]) a, (float[]) b, rows, n, (float[]) y);
        }
    }

    private static void sums(float[] a, float[] b, int rows, int n, float[] y) {
        int whole = rows / 4 * 4;
        for (int i = 0; i < whole; i += 4) {
            four(a, b, i * n, n, y, i);
        }
        for (int i = whole; i < rows; i++) {
            float sum = 0;
            for (int j = i * n; j < (i + 1) * n; j++) {
                sum = Math.fma(a[j], b[j], sum);
            }
            y[i] = sum;
        }
    }

    private static void four(float[] a, float[] b, int at, int n, float[] y, int yAt) {
        float sum0 = 0;
        float sum1 = 0;
        float sum2 = 0;
        float sum3 = 0;
        for (int j = at; j < at + n; j++) {
            sum0 = Math.fma(a[j], b[j], sum0);
            sum1 = Math.fma(a[j + n], b[j + n], sum1);
            sum2 = Math.fma(a[j + 2 * n], b[j + 2 * n], sum2);
            sum3 = Math.fma(a[j + 3 * n], b[j + 3 * n], sum3);
        }
        y[yAt] = sum0;
        y[yAt + 1] = sum1;
        y[yAt + 2] = sum2;
        y[yAt + 3] = sum3;
    }

    private static void sums(double[] a, double[] b, int rows, int n, double[] y) {
        int whole = rows / 4 * 4;
        for (int i = 0; i < whole; i += 4) {
            four(a, b, i * n, n, y, i);
        }
        for (int i = whole; i < rows; i++) {
            double sum = 0;
            for (int j = i * n; j < (i + 1) * n; j++) {
                sum = Math.fma(a[j], b[j], sum);
            }
            y[i] = sum;
        }
    }

    private static void four(double[] a, double[] b, int at, int n, double[] y, int yAt) {
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        for (int j = at; j < at + n; j++) {
            sum0 = Math.fma(a[j], b[j], sum0);
            sum1 = Math.fma(a[j + n], b[j + n], sum1);
            sum2 = Math.fma(a[j + 2 * n], b[j + 2 * n], sum2);
            sum3 = Math.fma(a[j + 3 * n], b[j + 3 * n], sum3);
        }
        y[yAt] = sum0;
        y[yAt + 1] = sum1;
        y[yAt + 2] = sum2;
        y[yAt + 3] = sum3;
    }
}
