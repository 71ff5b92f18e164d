package org.adjoint.cuda.launch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * CUDA C that is compiled as one program. Sources include nothing but the headers ({@code .cuh}) of this module.
 *
 * @param name what the compiler's messages call it
 * @param text the program
 * @param definitions macros, in the order of their names
 */
public record Source(String name, String text, Map<String, String> definitions) {
    private static final String FOLDER = "/org/adjoint/cuda/kernels/";
    private static final Pattern INCLUDE = Pattern.compile("^#include \"([^\"]+)\"", Pattern.MULTILINE);
    private static final Map<String, String> TEXTS = new ConcurrentHashMap<>();

    public Source {
        definitions = new TreeMap<>(definitions);
    }

    /** A file of this module's kernels, such as {@code "softmax.cu"}. */
    public static Source ofFile(String file, Map<String, String> definitions) {
        return new Source(file, text(file), definitions);
    }

    /** The text of a kernel source or a header. */
    public static String text(String file) {
        return TEXTS.computeIfAbsent(file, Source::load);
    }

    private static String load(String file) {
        try (InputStream stream = Source.class.getResourceAsStream(FOLDER + file)) {
            if (stream == null) {
                throw new IllegalArgumentException("there is no kernel source " + file);
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("the kernel source " + file + " can't be read: is the jar damaged?", e);
        }
    }

    /** The headers that the program includes, and those that they include, by name. */
    public List<String> headers() {
        Set<String> headers = new LinkedHashSet<>();
        addHeaders(text, headers);
        return List.copyOf(headers);
    }

    private static void addHeaders(String text, Set<String> headers) {
        Matcher matcher = INCLUDE.matcher(text);
        while (matcher.find()) {
            if (headers.add(matcher.group(1))) {
                addHeaders(text(matcher.group(1)), headers);
            }
        }
    }

    /** The definitions as options of the compiler. */
    public List<String> options() {
        List<String> options = new ArrayList<>();
        definitions.forEach((name, value) -> options.add("-D" + name + "=" + value));
        return options;
    }
}
