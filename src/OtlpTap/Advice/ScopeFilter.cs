using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary><c>scope</c> of a policy: whom it is for.</summary>
internal sealed record ScopeFilter
{
    public static readonly ScopeFilter All = new();

    public NameFilter Service { get; init; } = NameFilter.Any;

    public NameFilter Agent { get; init; } = NameFilter.Any;

    public NameFilter Tool { get; init; } = NameFilter.Any;

    public NameFilter Model { get; init; } = NameFilter.Any;

    public bool Admits(in HealthScope scope) => Service.Admits(scope.Service) && Agent.Admits(scope.Agent) && Tool.Admits(scope.Tool) && Model.Admits(scope.Model);
}
