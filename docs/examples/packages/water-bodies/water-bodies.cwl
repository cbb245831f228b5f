cwlVersion: v1.2
$namespaces: {s: "https://schema.org/", ogc: "http://www.opengis.net/def/media-type/ogc/1.0/"}
s:softwareVersion: 1.0.0

$graph:
  - id: water-bodies
    class: Workflow
    label: Water bodies
    doc: |
      Tells water from land by the normalized difference of two bands and the threshold of Otsu.
      The bands are cropped to a box first, each by itself.
    requirements:
      ScatterFeatureRequirement: {}
    inputs:
      bands:
        label: Two bands
        doc: GeoTIFFs of one grid. First the band in which water is bright (green), then the one in which it is dark (near infrared, or red).
        type: File[]
        format: ogc:geotiff
      bbox:
        label: Area
        doc: Four numbers, xmin, ymin, xmax, ymax, longitude or easting first.
        type: double[]
      epsg:
        label: Coordinates of the area
        doc: EPSG code of the coordinate reference system that the area is given in.
        type: int
        default: 4326
      datetime:
        label: When the bands were taken
        doc: As RFC 3339 writes it, e.g. 2020-09-01T17:40:00Z. Without it, the item bears the time of processing.
        type: string
        default: ""
    outputs:
      mask:
        label: Mask of water
        doc: 1 water, 0 land, 255 no data; 8 bit, the grid of the bands.
        type: File
        format: ogc:geotiff
        outputSource: otsu/mask
      threshold:
        label: Threshold
        doc: Cells whose normalized difference is greater are water.
        type: double
        outputSource: otsu/threshold
      catalog:
        label: STAC catalog
        doc: A folder with catalog.json, an item, and the mask as its asset, linked relatively.
        type: Directory
        outputSource: stac/catalog
    steps:
      crop:
        run: "#crop"
        scatter: raster
        in: {raster: bands, epsg: epsg, bbox: bbox}
        out: [cropped]
      normalized-difference:
        run: "#normalized-difference"
        in: {bands: crop/cropped}
        out: [index]
      otsu:
        run: "#otsu"
        in: {raster: normalized-difference/index}
        out: [mask, threshold]
      stac:
        run: "#stac"
        in: {mask: otsu/mask, threshold: otsu/threshold, datetime: datetime}
        out: [catalog]

  - id: crop
    class: CommandLineTool
    label: The part of a raster inside a box
    hints:
      DockerRequirement: &image {dockerPull: localhost/geo-packages}
    requirements:
      InitialWorkDirRequirement:
        listing:
          - entryname: crop.py
            entry: {$include: crop.py}
    baseCommand: [python3, crop.py]
    inputs:
      raster: {type: File, inputBinding: {position: 1}}
      epsg: {type: int, inputBinding: {position: 2}}
      bbox: {type: "double[]", inputBinding: {position: 3}}
    outputs:
      cropped: {type: File, format: ogc:geotiff, outputBinding: {glob: crop.tif}}

  - id: normalized-difference
    class: CommandLineTool
    label: The normalized difference of two bands
    hints:
      DockerRequirement: *image
    requirements:
      InitialWorkDirRequirement:
        listing:
          - entryname: normalized_difference.py
            entry: {$include: normalized_difference.py}
    baseCommand: [python3, normalized_difference.py]
    inputs:
      bands: {type: "File[]", inputBinding: {position: 1}}
    outputs:
      index: {type: File, format: ogc:geotiff, outputBinding: {glob: index.tif}}

  - id: otsu
    class: CommandLineTool
    label: A raster in two classes, by the threshold of Otsu
    hints:
      DockerRequirement: *image
    requirements:
      InlineJavascriptRequirement: {}
      InitialWorkDirRequirement:
        listing:
          - entryname: otsu.py
            entry: {$include: otsu.py}
    baseCommand: [python3, otsu.py]
    inputs:
      raster: {type: File, inputBinding: {position: 1}}
    outputs:
      mask: {type: File, format: ogc:geotiff, outputBinding: {glob: mask.tif}}
      threshold: {type: double, outputBinding: {glob: threshold.txt, loadContents: true, outputEval: "$(parseFloat(self[0].contents))"}}

  - id: stac
    class: CommandLineTool
    label: A STAC catalog of a mask
    hints:
      DockerRequirement: *image
    requirements:
      InitialWorkDirRequirement:
        listing:
          - entryname: stac.py
            entry: {$include: stac.py}
    baseCommand: [python3, stac.py]
    inputs:
      mask: {type: File, inputBinding: {position: 1}}
      threshold: {type: double, inputBinding: {position: 2}}
      datetime: {type: string, inputBinding: {position: 3}}
    outputs:
      catalog: {type: Directory, outputBinding: {glob: catalog}}
