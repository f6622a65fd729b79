using System.Collections.Frozen;

namespace OtlpTap.Detectors.Grounding;

internal enum Dimension : byte
{
    None,
    Temperature,
    Length,
    Mass,
    Duration,
    Data,
    Volume,
    Area,
    Speed,
    Money,
    Share,
}

/// <summary>A unit, and what one of it is in the first of its dimension.</summary>
internal readonly record struct Unit(Dimension Dimension, double Factor, double Offset = 0)
{
    public static readonly Unit Celsius = new(Dimension.Temperature, 1);
    public static readonly Unit Fahrenheit = new(Dimension.Temperature, 5.0 / 9, -32);
    public static readonly Unit Kelvin = new(Dimension.Temperature, 1, -273.15);
    public static readonly Unit Minute = new(Dimension.Duration, 60);
    public static readonly Unit Hour = new(Dimension.Duration, 3600);
    public static readonly Unit Money = new(Dimension.Money, 1);
    public static readonly Unit Percent = new(Dimension.Share, 0.01);

    public double ToFirst(double value) => (value + Offset) * Factor;

    public double FromFirst(double value) => (value / Factor) - Offset;
}

internal static class Units
{
    private static readonly FrozenDictionary<string, Unit> Words = Read(
        "celsius centigrade c = T 1; fahrenheit f = F 1; kelvin = K 1; degrees degree grad degre degres grados deg = T 1",
        "mm millimeter millimeters millimetre millimetres = L 0.001; cm centimeter centimeters centimetre centimetres zentimeter = L 0.01; m meter meters metre metres metros metro = L 1; km kilometer kilometers kilometre kilometres kilometros = L 1000; mi mile miles meile meilen millas = L 1609.344; ft foot feet fuss = L 0.3048; inch inches zoll = L 0.0254; yd yard yards = L 0.9144; nm = L 1852",
        "mg milligram milligrams milligramm = M 0.000001; g gram grams gramm gramme grammes gramos = M 0.001; kg kilogram kilograms kilo kilos kilogramm kilogrammes = M 1; t ton tons tonne tonnes tonnen = M 1000; lb lbs pound pounds pfund = M 0.45359237; oz ounce ounces = M 0.028349523",
        "ms millisecond milliseconds millisekunden = D 0.001; s sec secs second seconds sekunde sekunden segundos secondes seconde = D 1; min mins minute minutes minuten minutos minuto = D 60; h hr hrs hour hours stunde stunden heure heures hora horas = D 3600; d day days tag tage tagen jour jours dia dias night nights nacht naechte = D 86400; week weeks woche wochen semaine semaines semana semanas = D 604800; month months monat monate monaten mois mes meses = D 2629800; quarter quarters quartal quartale = D 7889400; year years yr yrs jahr jahre jahren an ans annee annees ano anos = D 31557600",
        "byte bytes b = B 1; kb kilobyte kilobytes = B 1000; mb megabyte megabytes = B 1000000; gb gigabyte gigabytes = B 1000000000; tb terabyte terabytes = B 1000000000000; kib = B 1024; mib = B 1048576; gib = B 1073741824; tib = B 1099511627776",
        "ml milliliter milliliters millilitre millilitres = V 0.001; cl = V 0.01; dl = V 0.1; l liter liters litre litres litros = V 1; gal gallon gallons = V 3.785411784; cup cups tasse tassen = V 0.2365882365; tbsp tablespoon tablespoons el = V 0.01478676; tsp teaspoon teaspoons tl = V 0.00492892; pint pints = V 0.473176473",
        "sqm m2 m\u00B2 quadratmeter qm = A 1; sqft ft2 ft\u00B2 = A 0.09290304; hectare hectares ha hektar = A 10000; acre acres = A 4046.8564224; km2 km\u00B2 = A 1000000",
        "km/h kmh kph = S 0.277777777778; mph = S 0.44704; m/s mps = S 1; kn knots knoten = S 0.514444444",
        "usd eur gbp jpy chf cny inr cad aud sek nok dkk pln czk brl mxn dollar dollars euro euros cent cents pence yen franken rupees pesos kronor kroner bucks = $ 1",
        "percent pct prozent percentage pourcent porciento = % 0.01");

    private static readonly Unit[] All = [.. Words.Values.Distinct()];

    public static bool TryFind(ReadOnlySpan<char> word, out Unit unit)
    {
        unit = default;
        if (word.IsEmpty || word.Length > 14)
        {
            return false;
        }

        Span<char> folded = stackalloc char[word.Length];
        for (var i = 0; i < word.Length; i++)
        {
            folded[i] = Letters.Fold(word[i]);
        }

        return Words.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(folded, out unit);
    }

    public static IEnumerable<Unit> OfSame(Dimension dimension) => All.Where(unit => unit.Dimension == dimension);

    private static FrozenDictionary<string, Unit> Read(params string[] dimensions)
    {
        var words = new Dictionary<string, Unit>(StringComparer.Ordinal);
        foreach (var entry in dimensions.SelectMany(line => line.Split(';')))
        {
            var sides = entry.Split('=');
            var value = sides[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var factor = double.Parse(value[1], System.Globalization.CultureInfo.InvariantCulture);
            var unit = value[0] switch
            {
                "T" => Unit.Celsius,
                "F" => Unit.Fahrenheit,
                "K" => Unit.Kelvin,
                "L" => new Unit(Dimension.Length, factor),
                "M" => new Unit(Dimension.Mass, factor),
                "D" => new Unit(Dimension.Duration, factor),
                "B" => new Unit(Dimension.Data, factor),
                "V" => new Unit(Dimension.Volume, factor),
                "A" => new Unit(Dimension.Area, factor),
                "S" => new Unit(Dimension.Speed, factor),
                "$" => Unit.Money,
                _ => Unit.Percent,
            };
            foreach (var word in sides[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                words[Letters.FoldAll(word)] = unit;
            }
        }

        return words.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
