package org.adjoint.bench.suite;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A matrix product {@code c (m x n) = a (m x k) . b (k x n)}; its text is such as {@code sgemm NN 1024} or
 * {@code dgemm TN 1024x384x1536}, in the order m, n, k.
 *
 * @param f64 elements are {@code F64}, else {@code F32}
 * @param transposedA a lies in memory as k x m
 * @param transposedB b lies in memory as n x k
 */
record GemmCase(boolean f64, boolean transposedA, boolean transposedB, int m, int n, int k) {
    private static final Pattern TEXT = Pattern.compile("([sd])gemm ([NT])([NT]) (\\d+)(?:x(\\d+)x(\\d+))?");

    /** The case with this text. */
    static GemmCase parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no matrix product such as 'sgemm NN 1024'");
        }
        int m = Integer.parseInt(matcher.group(4));
        boolean square = matcher.group(5) == null;
        return new GemmCase(matcher.group(1).equals("d"), matcher.group(2).equals("T"), matcher.group(3).equals("T"),
            m, square ? m : Integer.parseInt(matcher.group(5)), square ? m : Integer.parseInt(matcher.group(6)));
    }

    /** Additions and multiplications. */
    double operations() {
        return 2.0 * m * n * k;
    }

    /** As peers are asked for it. */
    Map<String, String> toMap(int threads) {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("kind", "gemm");
        map.put("type", f64 ? "f64" : "f32");
        map.put("transposes", transposes());
        map.put("m", Integer.toString(m));
        map.put("n", Integer.toString(n));
        map.put("k", Integer.toString(k));
        map.put("threads", Integer.toString(threads));
        return map;
    }

    private String transposes() {
        return (transposedA ? "T" : "N") + (transposedB ? "T" : "N");
    }

    @Override
    public String toString() {
        String size = m == n && n == k ? Integer.toString(m) : m + "x" + n + "x" + k;
        return (f64 ? "dgemm " : "sgemm ") + transposes() + " " + size;
    }
}
