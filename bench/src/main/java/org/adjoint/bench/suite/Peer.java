package org.adjoint.bench.suite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.stream.Stream;
import org.adjoint.bench.Nearest;
import picocli.CommandLine;

/**
 * A library to compare with. Its adapter is a project of its own ({@code bench/peers}, a Maven profile for each peer),
 * which {@link PeerBuild} builds when it is asked for; it is loaded by a class loader of its own, because peers need
 * different versions of JavaCPP.
 */
enum Peer {
    MKL(true, false),
    OPENBLAS(true, false),
    PYTORCH(true, true);

    /** The system property that names the folder with the built peers in a measuring JVM. */
    static final String FOLDER = "adjoint.bench.peers";

    private final boolean gemm;
    private final boolean step;

    Peer(boolean gemm, boolean step) {
        this.gemm = gemm;
        this.step = step;
    }

    boolean hasGemm() {
        return gemm;
    }

    /** Whether it has operations, gradients and optimizers. */
    boolean hasStep() {
        return step;
    }

    /**
     * The peer with this name.
     *
     * @throws CommandLine.TypeConversionException if there is none
     */
    static Peer parse(String name) {
        List<String> names = Arrays.stream(values()).map(Peer::toString).toList();
        if (!names.contains(name)) {
            throw new CommandLine.TypeConversionException("unknown peer '" + name + "', "
                + Nearest.of(name, names).map(it -> "did you mean '" + it + "'?")
                    .orElse("one of " + String.join(", ", names)));
        }
        return valueOf(name.toUpperCase(Locale.ROOT));
    }

    /**
     * Loads it into this JVM and prepares work; see the adapters for what can be asked for.
     *
     * <p>Its native libraries find an environment in which they do their best: as many threads as ours; none of the
     * variables that make OpenBLAS take kernels for another processor; and OpenMP threads that sleep while OpenBLAS's
     * own work, instead of spinning in their way (for PyTorch, which uses both, a difference of up to ten times).
     */
    Runnable load(Map<String, String> asked, int threads) {
        NativeEnvironment.unset("OPENBLAS_CORETYPE");
        NativeEnvironment.unset("OPENBLAS_L2_SIZE");
        NativeEnvironment.set("OPENBLAS_NUM_THREADS", Integer.toString(threads));
        NativeEnvironment.set("MKL_NUM_THREADS", Integer.toString(threads));
        NativeEnvironment.set("OMP_NUM_THREADS", Integer.toString(threads));
        NativeEnvironment.set("OMP_WAIT_POLICY", "PASSIVE");
        ClassLoader loader = loader(Path.of(System.getProperty(FOLDER)).resolve(toString()));
        // JavaCPP finds classes of the peer through it.
        Thread.currentThread().setContextClassLoader(loader);
        @SuppressWarnings("unchecked")
        Function<Map<String, String>, Runnable> adapter = ServiceLoader.load(Function.class, loader).stream()
            .map(ServiceLoader.Provider::get).findFirst()
            .orElseThrow(() -> new IllegalStateException("the peer " + this + " has no adapter"));
        return adapter.apply(asked);
    }

    /** Never closed: the peer stays for the life of the JVM. */
    private static ClassLoader loader(Path folder) {
        if (!Files.exists(folder.resolve("lib"))) {
            throw new IllegalStateException("the peer " + folder.getFileName() + " is not built");
        }
        try (Stream<Path> own = Files.list(folder); Stream<Path> libraries = Files.list(folder.resolve("lib"))) {
            return new URLClassLoader(Stream.concat(own, libraries).filter(file -> file.toString().endsWith(".jar"))
                .map(Peer::url).toArray(URL[]::new), Peer.class.getClassLoader());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static URL url(Path file) {
        try {
            return file.toUri().toURL();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Reads an option's value. */
    static final class Converter implements CommandLine.ITypeConverter<Peer> {
        @Override
        public Peer convert(String name) {
            return parse(name);
        }
    }
}
