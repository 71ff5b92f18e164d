package org.adjoint.bench;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** The known name that a mistyped one most likely meant. */
public final class Nearest {

    private Nearest() {}

    /**
     * The candidate with the least edit distance to {@code name}, if at most a third of the name (and at least two
     * characters) would have to change; case and leading dashes count for nothing.
     */
    public static Optional<String> of(String name, Collection<String> candidates) {
        String wanted = bare(name);
        int bound = Math.max(2, wanted.length() / 3);
        return candidates.stream()
                .filter(candidate -> bare(candidate).length() > 1)
                .min(Comparator.comparingInt((String candidate) -> distance(wanted, bare(candidate)))
                        .thenComparing(Comparator.naturalOrder()))
                .filter(candidate -> distance(wanted, bare(candidate)) <= bound);
    }

    private static String bare(String name) {
        return name.replaceFirst("^-+", "").toLowerCase(Locale.ROOT);
    }

    /** Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions, swaps. */
    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            d[i][0] = i;
        }
        for (int j = 0; j <= b.length(); j++) {
            d[0][j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int substitution = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(substitution, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
                boolean swapped = i > 1 && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1);
                if (swapped) {
                    d[i][j] = Math.min(d[i][j], 1 + d[i - 2][j - 2]);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
