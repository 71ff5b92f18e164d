package org.adjoint.bench.bundle;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** The jars that this program runs from, without what a bundle has no use for. */
final class Jars {
    /** Charts and microbenchmarks: the runtime of a bundle has no windows, and nothing there forks. */
    private static final List<String> LEFT_OUT = List.of("xchart-", "jmh-", "commons-math3-", "jopt-simple-",
        "cuda-redist");
    /** Of JCuda's native libraries these are loaded. */
    private static final List<String> NATIVES = List.of("libJCudaDriver-", "libJNvrtc-", "libJCublas2-");

    private Jars() { }

    /**
     * Copies them to {@code folder}.
     *
     * @throws IOException if this program was not started from jars, or a file can't be written
     */
    static void copy(Path folder) throws IOException {
        List<Path> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of)
            .toList();
        if (jars.stream().anyMatch(jar -> !jar.getFileName().toString().endsWith(".jar"))) {
            throw new IOException("a bundle is made of jars, but this program runs from " + jars
                + ": start it with the script adjoint");
        }
        Files.createDirectories(folder);
        for (Path jar : jars) {
            String name = jar.getFileName().toString();
            if (LEFT_OUT.stream().noneMatch(name::startsWith)) {
                if (name.contains("-natives-")) {
                    copyNatives(jar, folder.resolve(name));
                } else {
                    Files.copy(jar, folder.resolve(name));
                }
            }
        }
    }

    private static void copyNatives(Path source, Path target) throws IOException {
        try (ZipFile jar = new ZipFile(source.toFile());
            OutputStream stream = Files.newOutputStream(target);
            ZipOutputStream out = new ZipOutputStream(stream)) {
            out.setLevel(9);
            for (ZipEntry entry : jar.stream().toList()) {
                String file = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
                if (NATIVES.stream().anyMatch(file::startsWith)) {
                    out.putNextEntry(new ZipEntry(entry.getName()));
                    try (InputStream in = jar.getInputStream(entry)) {
                        in.transferTo(out);
                    }
                    out.closeEntry();
                }
            }
        }
    }
}
