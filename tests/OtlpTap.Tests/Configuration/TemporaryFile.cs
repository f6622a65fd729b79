namespace OtlpTap.Tests.Configuration;

internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(string text) => File.WriteAllText(Path, text);

    public TemporaryFile(byte[] bytes) => File.WriteAllBytes(Path, bytes);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"otlptap-{Guid.NewGuid():N}.yaml");

    public void Dispose() => File.Delete(Path);
}
