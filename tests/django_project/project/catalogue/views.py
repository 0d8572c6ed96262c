from django.http import HttpResponse, JsonResponse

from catalogue.models import Category, Product


def categories(request):
    return JsonResponse(
        {"categories": list(Category.objects.order_by("rank").values_list("name", flat=True))}
    )


def add_product(request):
    category = Category.objects.get(name=request.GET["category"])
    Product.objects.create(category=category, name=request.GET["name"], pence=500)
    return HttpResponse(status=201)
