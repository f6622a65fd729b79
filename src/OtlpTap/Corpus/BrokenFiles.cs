using OtlpTap.Metrics;

namespace OtlpTap.Corpus;

/// <summary>Files of cases that cannot be read: they get another name, so that nothing of what people wrote is lost.</summary>
internal sealed class BrokenFiles(CorpusMetrics metrics, ILogger logger)
{
    public void SetAside(string path, string fileName, string problem)
    {
        var aside = CaseDirectory.SetAside(path, fileName);
        metrics.FileSetAside();
        logger.FileSetAside(Path.Combine(path, fileName), problem, aside);
    }
}
